"""OAuth at the toolbox's edge: the metadata and challenges that clients get, and the tokens that are accepted and
refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_toolbox.app import from_environment
from service_kit.auth.testing import FakeIssuer
from service_kit.service import refuse_open_mode
from service_kit.settings import SettingsError
from service_kit.testing import running

from tests.waiting import eventually

RESOURCE = "https://tools.example.com/mcp"
METADATA = "https://tools.example.com/.well-known/oauth-protected-resource/mcp"
REST = {"name": "add", "arguments": {"a": 5, "b": 3}}


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    fake = FakeIssuer()
    async with running(fake.app) as url:
        fake.url = url
        yield fake


@pytest.fixture
def served(serve_toolbox: Any, issuer: FakeIssuer):
    """A context manager: a client of the toolbox that takes this issuer's tokens."""

    @asynccontextmanager
    async def serve(**environ: str) -> AsyncIterator[httpx.AsyncClient]:
        given = {"AUTH_MODE": "keys", "OAUTH_ISSUER": issuer.url, "OAUTH_RESOURCE_URL": RESOURCE, **environ}
        async with serve_toolbox(**given) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
            if "/jwks" in issuer.answers:
                await eventually(lambda: "/jwks" in issuer.asked)
            elif "OAUTH_JWKS_URL" not in environ:
                await eventually(lambda: "/jwks" in issuer.asked)

                async def taken_up() -> bool:
                    token = issuer.token(given["OAUTH_RESOURCE_URL"])
                    return (await called(http, token)).status_code not in (401, 503)

                await eventually(taken_up)
            yield http

    return serve


async def called(http: httpx.AsyncClient, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await http.post("/mcp/tools/call", headers=headers, json=REST)


async def test_who_has_no_token_learns_where_to_get_one(served: Any, issuer: FakeIssuer, modern: Any):
    async with served(OAUTH_SCOPES="tools,more") as http:
        for response in (
            await http.post("/mcp", **modern("tools/list")),
            await http.get("/sse"),
            await called(http, None),
        ):
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}", scope="tools more"'
        for path in ("", "/mcp"):
            response = await http.get(f"/.well-known/oauth-protected-resource{path}")
            assert response.status_code == 200
            assert response.json() == {
                "resource": RESOURCE,
                "authorization_servers": [issuer.url],
                "bearer_methods_supported": ["header"],
                "resource_name": "MCP toolbox",
                "scopes_supported": ["tools", "more"],
            }


async def test_behind_a_prefix_the_metadata_is_where_clients_look(served: Any):
    async with served(OAUTH_RESOURCE_URL="https://x.example/api/tools/mcp", ROOT_PATH="/api/tools") as http:
        response = await http.get("/.well-known/oauth-protected-resource/api/tools/mcp")
        assert response.json()["resource"] == "https://x.example/api/tools/mcp"
        assert "scopes_supported" not in response.json() or response.json()["scopes_supported"] is None


async def test_a_token_of_the_issuer_opens_every_way_in(served: Any, issuer: FakeIssuer, modern: Any):
    async with served() as http:
        token = issuer.token(RESOURCE)
        assert (await called(http, token)).json()["structuredContent"] == {"result": 8}
        for mode in ("auto", "legacy"):
            async with (
                httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as client,
                Client(streamable_http_client(f"{http.base_url}/mcp", http_client=client), mode=mode) as connected,
            ):
                assert len((await connected.list_tools()).tools) == 4


async def test_api_keys_work_beside(served: Any, issuer: FakeIssuer):
    async with served(API_KEYS="key-one") as http:
        assert (await called(http, "key-one")).status_code == 200
        assert (await called(http, issuer.token(RESOURCE))).status_code == 200
        assert (await called(http, "key-two")).status_code == 401


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_kinds_of_keys(served: Any, issuer: FakeIssuer, kind: str):
    issuer.rotate(kind)
    async with served() as http:
        assert (await called(http, issuer.token(RESOURCE))).status_code == 200


WRONG = {
    "another audience": {"audience": "https://other.example.com/mcp"},
    "audience beside": {"audience": ["https://tools.example.com"]},
    "no audience": {"audience": None},
    "another issuer": {"iss": "https://evil.example.com"},
    "no issuer": {"iss": None},
    "expired": {"exp": int(time.time()) - 120},
    "never expires": {"exp": None},
    "not yet": {"nbf": int(time.time()) + 3600},
    "no subject": {"sub": None},
    "odd subject": {"sub": 7},
    "odd expiry": {"exp": "soon"},
    "another key": {"key": rsa.generate_private_key(65537, 2048)},
    "no signature": {"alg": "none"},
    "another algorithm": {"alg": "HS256", "key": "x" * 64},
    "an algorithm that the key is not for": {"alg": "RS512"},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_token_that_is_not_right_is_refused(served: Any, issuer: FakeIssuer, wrong: str):
    issuer.rotate(alg="RS256")
    async with served() as http:
        response = await called(http, issuer.token(**{"audience": RESOURCE, **WRONG[wrong]}))
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert (await called(http, issuer.token(RESOURCE))).status_code == 200


async def test_the_public_key_is_no_secret_to_sign_with(served: Any, issuer: FakeIssuer):
    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = {"alg": "HS256", "kid": issuer.key_id, "typ": "JWT"}
    claims = {"iss": issuer.url, "aud": RESOURCE, "sub": "eve", "exp": int(time.time()) + 600}
    signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    secret = issuer.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forged = signed + b"." + part(hmac.digest(secret, signed, hashlib.sha256))
    async with served() as http:
        assert (await called(http, forged.decode())).status_code == 401


@pytest.mark.parametrize("token", [".", "..", "a.b.c", "e30.e30.", "." * 500, "x" * 20000, "e30.e30.e30", "ñ.ñ.ñ"])
async def test_what_is_no_token_is_refused(served: Any, token: str):
    async with served() as http:
        headers = {b"authorization": b"Bearer " + token.encode()}
        assert (await http.post("/mcp/tools/call", headers=headers, json=REST)).status_code == 401


async def test_every_cut_of_a_token_is_refused(served: Any, issuer: FakeIssuer):
    async with served() as http:
        token = issuer.token(RESOURCE)
        cuts = {token[:end] for end in range(1, len(token), 7)}
        # At once, because each refusal is delayed, and the later ones for longer.
        responses = await asyncio.gather(*(called(http, cut) for cut in cuts))
        assert {response.status_code for response in responses} == {401}


@pytest.mark.parametrize(
    ("claims", "status"),
    [({"scope": "tools more"}, 200), ({"scope": "more tools extra"}, 200), ({"scp": ["tools", "more"]}, 200),
     ({"scope": "tools"}, 403), ({"scope": ""}, 403), ({}, 403), ({"scope": 7}, 403), ({"scp": [None, "tools"]}, 403)],
)  # fmt: skip
async def test_a_token_needs_the_scopes(served: Any, issuer: FakeIssuer, claims: dict[str, Any], status: int):
    async with served(OAUTH_SCOPES="tools,more") as http:
        response = await called(http, issuer.token(RESOURCE, **claims))
        assert response.status_code == status
        if status == 403:
            assert response.json()["error"]["code"] == "insufficient_scope"
            challenge = response.headers["www-authenticate"]
            assert 'error="insufficient_scope"' in challenge
            assert 'scope="tools more"' in challenge


async def test_a_session_is_its_subjects(served: Any, issuer: FakeIssuer):
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}}
    accept = {"accept": "application/json, text/event-stream"}

    def of(subject: str) -> dict[str, str]:
        return {**accept, "authorization": f"Bearer {issuer.token(RESOURCE, sub=subject)}"}

    async with served() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize}
        opened = await http.post("/mcp", headers=of("ana"), json=body)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post("/mcp", headers={**of("eva"), **session}, json=ping)).status_code == 404
        assert (await http.post("/mcp", headers={**of("ana"), **session}, json=ping)).status_code == 200


async def test_a_new_key_is_fetched_when_its_first_token_comes(served: Any, issuer: FakeIssuer):
    async with served() as http:
        old = issuer.token(RESOURCE)
        assert (await called(http, old)).status_code == 200
        issuer.rotate()
        new = issuer.token(RESOURCE)
        # Fetched a moment ago: a token of an unknown key is refused without asking the issuer again.
        assert (await called(http, new)).status_code == 401
        assert issuer.asked.count("/jwks") == 1


async def test_until_the_keys_are_here_a_client_may_try_again(served: Any, issuer: FakeIssuer):
    issuer.answers["/jwks"] = (500, b"")
    async with served() as http:
        response = await called(http, issuer.token(RESOURCE))
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert (await called(http, "no-token")).status_code == 401


def test_settings_that_lack_something_are_named(issuer: FakeIssuer):
    oauth = {"OAUTH_ISSUER": "https://login.example.com"}
    with pytest.raises(SettingsError, match="AUTH_MODE"):
        from_environment(oauth)
    with pytest.raises(SettingsError, match="OAUTH_RESOURCE_URL"):
        from_environment({**oauth, "AUTH_MODE": "keys"})
    for url in ("http://login.example.com", "ftp://x", "https://", "https://x/?a=b", "https://x/#a", "nonsense"):
        with pytest.raises(SettingsError, match="OAUTH_ISSUER"):
            from_environment({"OAUTH_ISSUER": url})
    with pytest.raises(SettingsError, match="OAUTH_SCOPES"):
        from_environment({"OAUTH_SCOPES": 'a"b'})


def test_an_issuer_is_enough_to_be_reachable_from_outside():
    oauth = {"OAUTH_ISSUER": "https://login.example.com", "OAUTH_RESOURCE_URL": RESOURCE, "AUTH_MODE": "keys"}
    _, settings = from_environment({**oauth, "HOST": "0.0.0.0"})
    refuse_open_mode(settings)
