from __future__ import annotations

from typing import Any

import httpx
import pytest
from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.page.listing import Listing
from mcp_toolbox.page.page import catalog_page, policy
from mcp_toolbox.page.routes import prefers_html
from mcp_toolbox.registry.tools import ToolRegistry
from service_kit.auth.principal import ANONYMOUS

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
KEYS = {"AUTH_MODE": "keys", "API_KEYS": "key-one"}


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML;q=0.5", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("text/html;charset=utf-8;q=0.1, application/json;q=0.05", True),
        (",;,;q=,text", False),
    ],
)
def test_browsers_get_the_page_and_programs_do_not(accept: str, html: bool):
    assert prefers_html(accept) is html


async def test_the_summary(http: httpx.AsyncClient):
    response = await http.get("/")
    assert response.headers["content-type"] == "application/json"
    assert "Accept" in response.headers["vary"]
    answer = response.json()
    assert (answer["service"], answer["tools"]) == ("mcp-toolbox", 4)
    assert answer["servers"] == {
        "built-in": {"name": "built-in", "kind": "built-in", "status": "up", "healthy": True, "tools": 4}
    }
    for transport in answer["links"].values():
        assert (await http.get(transport, headers={"accept": "application/json"})).status_code in (200, 400, 406)


async def test_the_whole_catalog_has_what_the_list_has(http: httpx.AsyncClient):
    (server,) = (await http.get("/mcp/catalogue")).json()["servers"]
    listed = (await http.get("/mcp/tools/list")).json()["tools"]
    assert server["tools"] == [{**tool, "needsApproval": False, "changed": False} for tool in listed]


async def test_a_key_opens_the_catalog_but_not_the_page(serve_toolbox: Any):
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/", headers={"accept": BROWSER})).status_code == 200
        assert (await http.get("/")).json()["tools"] == 4
        assert (await http.get("/mcp/catalogue")).status_code == 401
        assert (await http.get("/mcp/catalogue", headers={"x-api-key": "key-one"})).status_code == 200


async def test_links_stand_behind_the_prefix(serve_toolbox: Any):
    async with serve_toolbox(ROOT_PATH="/api/tools") as url, httpx.AsyncClient(base_url=url) as http:
        answer = (await http.get("/api/tools/")).json()
        assert answer["links"]["catalogue"] == "/api/tools/mcp/catalogue"
        assert (await http.get(answer["links"]["catalogue"])).status_code == 200


async def test_the_page_speaks_the_readers_language_and_is_kept(http: httpx.AsyncClient):
    spanish = await http.get("/", headers={"accept": BROWSER})
    english = await http.get("/", headers={"accept": BROWSER, "accept-language": "en-GB,es;q=0.3"})
    assert '<html lang="es">' in spanish.text
    assert '<html lang="en">' in english.text
    assert spanish.headers["etag"] != english.headers["etag"]
    assert spanish.headers["vary"] == "Accept, Accept-Language, Accept-Encoding"
    again = await http.get("/", headers={"accept": BROWSER, "if-none-match": spanish.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_policy_lets_nothing_in(http: httpx.AsyncClient):
    response = await http.get("/", headers={"accept": BROWSER})
    allowed = response.headers["content-security-policy"]
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed
    assert "frame-ancestors 'none'" in allowed
    assert "http" not in allowed
    assert policy("<style>a</style><script>b</script>") != policy("<style>a</style><script>c</script>")
    catalog_page()


def test_where_tools_come_from(registry: ToolRegistry):
    health = {
        "files": {"status": "connected", "tools": 1},
        "dead": {"status": "failed", "tools": 0, "error": "it does not start"},
    }
    add = registry.get("add")
    assert add is not None
    only = ToolRegistry()
    only.replace("employees", [add])
    only.replace("companies", [])
    only.replace("upstream:files", [tool for tool in registry if tool.name == "multiply"])
    listing = Listing(only, Approvals(Destructive(["multi*"])), lambda: health)
    servers = [
        (server["name"], server["kind"], server["healthy"], len(server["tools"])) for server in listing.full(ANONYMOUS)
    ]
    assert servers == [
        ("built-in", "built-in", True, 0),
        ("employees", "pack", True, 1),
        ("files", "upstream", True, 1),
        ("dead", "upstream", False, 0),
    ]
    assert listing.full(ANONYMOUS)[2]["tools"][0]["needsApproval"] is True
    assert listing.summary()["dead"]["reason"] == "it does not start"
