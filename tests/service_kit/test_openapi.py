"""Every route describes how a key is sent and how the edge refuses; `/` leads to a page."""

from __future__ import annotations

import httpx
import pytest
from service_kit.docs_page import lead_home_to_docs
from service_kit.testing import running

from tests.service_kit.harness import small_service, staged

KEYS = {"AUTH_MODE": "keys", "API_KEYS": "sk-right-0123456789abcdef"}


@pytest.mark.parametrize("environ", [{}, KEYS])
async def test_every_route_names_the_schemes_and_the_refusals(environ: dict[str, str]):
    async with staged(environ) as stage:
        document = (await stage.http.get("/openapi.json")).json()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["apiKey"]["name"]) == ("bearer", "x-api-key")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            of_bodies = {"413", "415", "429"} & set(operation["responses"])
            assert of_bodies == ({"413", "415", "429"} if method in ("post", "put", "patch") else set())
            assert {"400", "408"} <= set(operation["responses"])
            assert {"bearer": []} in operation["security"] and {"apiKey": []} in operation["security"]
            assert "503" in operation["responses"]
            if path not in ("/healthz", "/readyz"):
                assert {"401", "403", "421", "431"} <= set(operation["responses"])
                assert ({} in operation["security"]) is (not environ)


async def test_home_leads_to_the_docs_below_the_prefix():
    app = small_service({**KEYS, "ROOT_PATH": "/api/http"})
    lead_home_to_docs(app)
    async with running(app, http="httptools") as url, httpx.AsyncClient(base_url=url, follow_redirects=True) as http:
        response = await http.get("/api/http/")
        assert (response.status_code, response.url.path) == (200, "/api/http/docs")
