"""The edge over HTTP, on a real server."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from service_kit.auth.keys import principal_of
from service_kit.errors import ApiError

from tests.service_kit.harness import OWN_POLICY, Stage, error_of, pieces, raw, staged

JSON = {"content-type": "application/json"}
ITEM = {"name": "a", "count": 1}
KEYS = {"AUTH_MODE": "keys", "API_KEYS": "one-key,two-key"}
PAGE = "http://localhost:8002"


@pytest.fixture
async def stage():
    async with staged() as one:
        yield one


@pytest.fixture
async def guarded():
    async with staged(KEYS, page_token="page-token", public_paths=frozenset({"/page"})) as one:
        yield one


# --- request ids ---


async def test_an_id_is_taken_made_and_echoed(stage: Stage):
    given = await stage.http.get("/who", headers={"x-request-id": "mine-1"})
    assert given.json()["id"] == given.headers["x-request-id"] == "mine-1"
    made = await stage.http.get("/who")
    assert re.fullmatch(r"req_[0-9a-f]{24}", made.headers["x-request-id"])
    assert made.json()["id"] == made.headers["x-request-id"]


@pytest.mark.parametrize("bad", ["with space", "x" * 129, "ñ".encode("latin-1")])
async def test_an_id_that_is_not_well_formed_is_replaced(stage: Stage, bad: str | bytes):
    answer = await stage.http.get("/who", headers={b"x-request-id": bad if isinstance(bad, bytes) else bad.encode()})
    assert answer.headers["x-request-id"].startswith("req_")


# --- hosts ---


async def _status_for_host(stage: Stage, host: str, path: str = "/who") -> str:
    return (await raw(stage.port, f"GET {path} HTTP/1.1", f"Host: {host}")).split(b" ")[1].decode()


async def test_hosts(stage: Stage):
    for friend in ("localhost", f"localhost:{stage.port}", "127.0.0.1:1", "[::1]", "[::1]:8003", "LOCALHOST"):
        assert await _status_for_host(stage, friend) == "200", friend
    for stranger in ("evil.example", "localhost.evil.example", "169.254.169.254", "[::2]", "[::1].evil.example", ""):
        assert await _status_for_host(stage, stranger) == "421", stranger


async def test_a_name_that_was_pointed_at_us_is_refused(stage: Stage):
    rebound = {"host": "evil.example:8003", "origin": "http://evil.example:8003"}
    answer = await stage.http.get("/who", headers=rebound)
    assert (answer.status_code, error_of(answer)["code"]) == (421, "host_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_request_without_a_host_is_refused(stage: Stage):
    assert b" 421 " in (await raw(stage.port, "GET /who HTTP/1.0")).split(b"\r\n")[0]


async def test_the_operators_hosts():
    async with staged({"ALLOWED_HOSTS": "*.example.com,api.internal:81"}) as stage:
        assert await _status_for_host(stage, "a.example.com:9") == "200"
        assert await _status_for_host(stage, "api.internal:81") == "200"
        assert await _status_for_host(stage, "api.internal") == "421"
        assert await _status_for_host(stage, "localhost") == "421"
    async with staged({"ALLOWED_HOSTS": "*"}) as stage:
        assert await _status_for_host(stage, "anything.example") == "200"


async def test_machines_may_ask_by_any_name(guarded: Stage):
    for path in ("/healthz", "/readyz"):
        assert await _status_for_host(guarded, "10.1.2.3:8003", path) == "200"


# --- origins ---


async def test_a_listed_page_gets_its_own_origin_back(stage: Stage):
    answer = await stage.http.get("/who", headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "Origin"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"x-request-id", "retry-after", "x-response-cost-usd"} <= set(exposed.split(", "))
    assert "access-control-allow-credentials" not in answer.headers


async def test_the_services_own_page(stage: Stage):
    assert (await stage.http.get("/who", headers={"origin": stage.url})).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8002.evil.example", "file://"])
async def test_another_page_is_refused_and_reads_nothing(stage: Stage, origin: str):
    for request in (("GET", "/who"), ("POST", "/items"), ("OPTIONS", "/items")):
        answer = await stage.http.request(*request, headers={"origin": origin, **JSON, **_preflight()})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "origin_not_allowed")
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_no_origin_means_no_cors_headers(stage: Stage):
    assert not [name for name in (await stage.http.get("/who")).headers if name.startswith("access-control-")]


async def test_all_origins():
    async with staged({"CORS_ALLOW_ALL_ORIGINS": "true"}) as stage:
        for origin in ("http://evil.example", "null"):
            answer = await stage.http.get("/who", headers={"origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("key", ["page-token", "two-key"])
async def test_a_page_from_disk_with_the_token_or_a_key(guarded: Stage, key: str):
    headers = {"origin": "null", "authorization": f"Bearer {key}"}
    answer = await guarded.http.get("/who", headers=headers)
    assert answer.json()["principal"] == principal_of(key)
    assert answer.headers["access-control-allow-origin"] == "null"


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "page-toke"}, {"x-api-key": ""}, {"authorization": "Basic x"}])
async def test_a_page_from_disk_without_them(guarded: Stage, headers: dict[str, str]):
    assert (await guarded.http.get("/who", headers={"origin": "null", **headers})).status_code == 403


async def test_the_token_helps_a_page_from_disk_in_open_mode():
    async with staged(page_token="page-token") as stage:
        allowed = await stage.http.get("/who", headers={"origin": "null", "x-api-key": "page-token"})
        assert allowed.json()["principal"] == "anonymous"
        refused = await stage.http.get("/who", headers={"origin": "http://evil.example", "x-api-key": "page-token"})
        assert refused.status_code == 403


# --- preflights ---


def _preflight(asked: str = "authorization,content-type") -> dict[str, str]:
    return {"access-control-request-method": "POST", "access-control-request-headers": asked}


async def test_a_preflight_needs_no_key_and_allows_what_it_asks(guarded: Stage):
    answer = await guarded.http.options("/items", headers={"origin": PAGE, **_preflight("authorization,x-user-id")})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == "authorization,x-user-id"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"origin": PAGE}),  # not a preflight: it asks for no method
        ("OPTIONS", _preflight()),  # not a page
        ("POST", {"origin": PAGE, **_preflight(), **JSON}),  # a real request that wears a preflight's header
    ],
)
async def test_what_only_looks_like_a_preflight_needs_a_key(guarded: Stage, method: str, headers: dict[str, str]):
    assert (await guarded.http.request(method, "/items", headers=headers)).status_code == 401


# --- keys ---


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer two-key"}, {"authorization": "bearer  two-key"}, {"x-api-key": "two-key"}],
)
async def test_a_key_lets_in_and_names_its_holder(guarded: Stage, headers: dict[str, str]):
    assert (await guarded.http.get("/who", headers=headers)).json()["principal"] == principal_of("two-key")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_key_beyond_ascii_lets_in(encoding: str):
    async with staged({"AUTH_MODE": "keys", "API_KEYS": "clave-ñ"}) as stage:
        for name, before in (("authorization", b"Bearer "), ("x-api-key", b"")):
            headers = [(name.encode(), before + "clave-ñ".encode(encoding))]
            assert (await stage.http.get("/who", headers=headers)).json()["principal"] == principal_of("clave-ñ")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Basic two-key"}, "missing_api_key"),
        ({"x-api-key": ""}, "missing_api_key"),
        ({"authorization": "Bearer three-key"}, "invalid_api_key"),
        ({"x-api-key": "two-key,one-key"}, "invalid_api_key"),
        ({"sec-websocket-protocol": "bearer.dHdvLWtleQ"}, "missing_api_key"),
    ],
)  # fmt: skip
async def test_without_a_known_key_there_is_nothing(guarded: Stage, headers: dict[str, str], code: str):
    answer = await guarded.http.get("/who", headers=headers)
    assert (answer.status_code, error_of(answer)["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "key" not in answer.json()["error"]["message"].replace("API key", "").replace("api-key", "")


async def test_a_key_in_the_address_is_none(guarded: Stage):
    assert (await guarded.http.get("/who?api_key=two-key&x-api-key=two-key")).status_code == 401


async def test_public_paths_need_no_key(guarded: Stage):
    for path in ("/docs", "/openapi.json", "/page", "/healthz", "/readyz", "/docs/static/swagger-ui.css"):
        assert (await guarded.http.get(path)).status_code == 200, path
    for path in ("/docs/static/../who", "/page/", "//healthz", "/HEALTHZ", "/nothing"):
        status = (await raw(guarded.port, f"GET {path} HTTP/1.1", "Host: localhost")).split(b" ")[1]
        assert status == b"401", path


# --- bodies ---

SMALL = {"MAX_BODY_BYTES": "100"}


async def test_a_body_up_to_the_limit_passes():
    async with staged(SMALL) as stage:
        for content in (b"[" + b" " * 98 + b"]", pieces(b"[" + b" " * 50, b" " * 48 + b"]")):
            assert (await stage.http.put("/anything", content=content, headers=JSON)).json() == 100


async def test_a_longer_body_is_refused_by_its_declared_length():
    async with staged(SMALL) as stage:
        answer = await stage.http.put("/anything", content=b" " * 101, headers=JSON)
        assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")
        head = ["PUT /anything HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        unsent = await raw(stage.port, *head, "Content-Length: 99999999999999999")
        assert b" 413 " in unsent.split(b"\r\n")[0]


async def test_a_longer_body_is_refused_when_it_did_not_say():
    async with staged(SMALL) as stage:
        for path in ("/anything", "/items"):
            method = "PUT" if path == "/anything" else "POST"
            answer = await stage.http.request(method, path, content=pieces(b" " * 60, b" " * 60), headers=JSON)
            assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large"), path


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
async def test_a_body_that_is_not_json_is_refused(stage: Stage, kind: str):
    for content in (b'{"name": "a", "count": 1}', pieces(b'{"name": "a", "count": 1}')):
        answer = await stage.http.post("/items", content=content, headers={"content-type": kind} if kind else {})
        assert (answer.status_code, error_of(answer)["param"]) == (415, "Content-Type")


@pytest.mark.parametrize("coding", ["gzip", "zstd, identity", "x-unknown"])
async def test_a_body_that_is_encoded_is_refused_by_name(stage: Stage, coding: str):
    answer = await stage.http.post("/items", json=ITEM, headers={"content-encoding": coding})
    assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_content_encoding")


async def test_the_identity_is_no_encoding(stage: Stage):
    answer = await stage.http.post("/items", json=ITEM, headers={"content-encoding": "identity"})
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
async def test_json_by_its_names(stage: Stage, kind: str):
    assert (await stage.http.post("/items", json=ITEM, headers={"content-type": kind})).status_code == 200


async def test_no_body_needs_no_type(stage: Stage):
    assert (await stage.http.put("/anything")).json() == 0


# --- answers ---

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-site",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/who", 200), ("GET", "/nothing", 404), ("DELETE", "/who", 405), ("GET", "/refused", 429),
        ("GET", "/broken", 500), ("POST", "/items", 422), ("GET", "/healthz", 200),
    ],
)  # fmt: skip
async def test_every_answer_has_the_security_headers(stage: Stage, method: str, path: str, status: int):
    answer = await stage.http.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    if status >= 400:
        error_of(answer)


async def test_refusals_have_them_too(guarded: Stage):
    for headers in ({}, {"host": "evil.example"}, {"origin": "null"}):
        answer = await guarded.http.get("/who", headers=headers)
        assert {name: answer.headers[name] for name in SECURITY} == SECURITY
        error_of(answer)


async def test_a_pages_own_policy_stays(stage: Stage):
    answer = await stage.http.get("/page")
    assert answer.headers.get_list("content-security-policy") == [OWN_POLICY]


async def test_a_fault_of_ours_says_nothing_and_is_logged_once(stage: Stage):
    answer = await stage.http.get("/broken", headers={"x-request-id": "r-1"})
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal_error"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    await stage.lines(1)
    logged = await stage.lines(1, "unexpected error")
    assert [(line["requestId"], line["level"], line["path"]) for line in logged] == [("r-1", "error", "/broken")]
    assert "hunter2" in logged[0]["exception"]
    assert stage.written.getvalue().count("Traceback") == 1


async def test_an_answer_that_breaks_in_the_middle_is_cut(stage: Stage):
    with pytest.raises(httpx.RemoteProtocolError):
        await stage.http.get("/cut")
    assert len(await stage.lines(1, "unexpected error")) == 1
    assert (await stage.http.get("/who")).status_code == 200


async def test_a_client_that_leaves_is_no_fault(stage: Stage):
    _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    head = "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    await stage.lines(1)
    assert "error" not in {line["level"] for line in await stage.lines(1)}
    assert not await stage.lines(0, "unexpected error")
    assert (await stage.http.get("/who")).status_code == 200


# --- language, prefix, log ---


async def test_the_language(stage: Stage):
    for header, chosen in ((None, "es"), ("en-GB", "en"), ("fr, en;q=0.2", "en"), ("\xff;q=x", "es")):
        headers = {} if header is None else {b"accept-language": header.encode("latin-1")}
        assert (await stage.http.get("/who", headers=headers)).json()["language"] == chosen
    async with staged({"UI_LANGUAGE": "en"}) as english:
        assert (await english.http.get("/who")).json()["language"] == "en"


async def test_everything_stands_under_the_prefix_as_well():
    async with staged({**KEYS, "ROOT_PATH": "/api/small"}) as stage:
        for path in ("/docs", "/openapi.json", "/healthz", "/readyz"):
            assert (await stage.http.get(f"/api/small{path}")).status_code == 200, path
        assert (await stage.http.get("/api/small/who")).status_code == 401
        allowed = await stage.http.get("/api/small/who", headers={"x-api-key": "one-key"})
        assert allowed.status_code == 200
        assert (await stage.http.get("/api/smaller/who", headers={"x-api-key": "one-key"})).status_code == 404
        assert (await stage.http.get("/api/smallhealthz")).status_code == 401
        described = (await stage.http.get("/api/small/openapi.json")).json()
        assert described["servers"] == [{"url": "/api/small"}]
        assert "url: '/api/small/openapi.json'" in (await stage.http.get("/api/small/docs")).text


# --- errors in another shape ---


def shouted(error: ApiError, request_id: str) -> bytes:
    return f'{{"oops": "{error.code}", "id": "{request_id}"}}'.encode()


async def test_refusals_take_the_shape_that_a_paths_clients_read():
    async with staged(KEYS, error_bodies={"/who": shouted}) as stage:
        theirs, ours = await stage.http.get("/who"), await stage.http.get("/refused")
        passed = await stage.http.get("/who", headers={"x-api-key": "one-key"})
    assert theirs.status_code == 401 and theirs.headers["www-authenticate"] == "Bearer"
    assert theirs.json() == {"oops": "missing_api_key", "id": theirs.headers["x-request-id"]}
    assert set(ours.json()) == {"error"} and passed.status_code == 200


# --- JSON ---


@pytest.mark.parametrize(
    "body",
    [
        '{"name":"a","count":1}'.encode("utf-16"), '{"name":"a","count":1}'.encode("utf-16-le"),
        '{"name":"a","count":1}'.encode("utf-32"), b'\xef\xbb\xbf{"name":"a","count":1}', b'{"name":"\xff","count":1}',
        b'{"name":"\xed\xa0\x80","count":1}', b'{"name":"\\ud800","count":1}', b'{"name":"a","count":1,"x":NaN}',
        b'{"name":"a","count":1,"x":Infinity}', b'{"name":"a","count":1,"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"name":"a","count":1}{}', b"\x00",
    ],
)  # fmt: skip
async def test_what_is_not_json_in_utf_8_is_refused(stage: Stage, body: bytes):
    refused = await stage.http.post("/items", content=body, headers=JSON)
    assert refused.status_code == 400 and error_of(refused)["code"] == "invalid_json"


async def test_the_last_of_two_equal_keys_counts(stage: Stage):
    body = b'{"name":"a","name":"b","count":1,"count":12345678901234567890123}'
    given = await stage.http.post("/items", content=body, headers={"content-type": "application/json; charset=latin1"})
    assert given.json() == {"name": "b", "count": 12345678901234567890123}
