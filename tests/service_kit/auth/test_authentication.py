"""Authentication as the settings describe it, at the edge of a real server: keys, roles and an issuer's tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import Request
from service_kit.auth.keys import principal_of
from service_kit.auth.principal import principal_in, require_role
from service_kit.auth.testing import FakeIssuer
from service_kit.service import create_service, refuse_open_mode
from service_kit.settings import ServiceSettings, SettingsError, load
from service_kit.testing import running

from tests.service_kit.harness import error_of

AUDIENCE = "https://suite.example"
KEYS = {"AUTH_MODE": "keys", "API_KEYS": "plain-key,operator:ops-key,trusted:agent-key", "ADMIN_API_KEY": "admin-key"}


@asynccontextmanager
async def served(**environ: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_service(name="small", title="Small", settings=load(ServiceSettings, environ))

    @app.get("/me")
    async def me(request: Request) -> dict[str, Any]:
        principal = principal_in(request.scope)
        user = principal.end_user(request.headers.get("x-user-id"))
        return {
            "id": principal.id, "roles": sorted(principal.roles), "team": principal.team, "source": principal.source,
            "user": user,
        }  # fmt: skip

    @app.get("/secret")
    async def secret(request: Request) -> str:
        return require_role(request.scope, "operator").id

    async with running(app, http="httptools") as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        yield http


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    fake = FakeIssuer()
    async with running(fake.app) as url:
        fake.url = url
        yield fake


def bearer(credential: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}", **more}


async def me(http: httpx.AsyncClient, credential: str | None = None, **headers: str) -> dict[str, Any]:
    answer = await http.get("/me", headers={**({} if credential is None else bearer(credential)), **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_keys_and_their_roles():
    async with served(**KEYS) as http:
        for key, roles in {
            "plain-key": ["user"], "ops-key": ["operator", "user"], "agent-key": ["trusted", "user"],
            "admin-key": ["operator", "user"],
        }.items():  # fmt: skip
            found = await me(http, key)
            assert (found["id"], found["roles"], found["source"]) == (principal_of(key), roles, "key")
        for wrong in ("operator:ops-key", "ops-ke", "ops-key2", "trusted:", "plain-key,admin-key"):
            answer = await http.get("/me", headers=bearer(wrong))
            assert (answer.status_code, error_of(answer)["code"]) == (401, "invalid_api_key")
            assert wrong not in answer.text


async def test_operators_routes():
    async with served(**KEYS) as http:
        for key in ("ops-key", "admin-key"):
            assert (await http.get("/secret", headers=bearer(key))).json() == principal_of(key)
        for key in ("plain-key", "agent-key"):
            answer = await http.get("/secret", headers=bearer(key))
            assert (answer.status_code, error_of(answer)["code"]) == (403, "operator_required")


async def test_end_users_are_believed_from_trusted_keys_alone():
    async with served(**KEYS) as http:
        assert (await me(http, "plain-key", **{"x-user-id": principal_of("ops-key")}))["user"] is None
        assert (await me(http, "agent-key", **{"x-user-id": "ana"}))["user"] == f"{principal_of('agent-key')}/ana"


async def test_in_open_mode_every_caller_is_an_operator():
    async with served() as http:
        assert await me(http, **{"x-user-id": "ana"}) == {
            "id": "anonymous", "roles": ["operator", "trusted", "user"], "team": None, "source": "none", "user": "ana",
        }  # fmt: skip
        assert (await me(http, "any-key"))["id"] == "anonymous"
        assert (await http.get("/secret")).status_code == 200


async def test_in_open_mode_a_known_key_counts_all_the_same():
    async with served(API_KEYS="plain-key") as http:
        found = await me(http, "plain-key")
        assert (found["id"], found["roles"]) == (principal_of("plain-key"), ["operator", "trusted", "user"])
        assert (await me(http, "other-key"))["id"] == "anonymous"
        assert (await me(http))["id"] == "anonymous"


async def test_open_beyond_loopback_the_operators_key_keeps_its_routes():
    async with served(HOST="0.0.0.0", ALLOW_OPEN="true", ADMIN_API_KEY="admin-key") as http:
        assert (await me(http))["roles"] == ["trusted", "user"]
        assert (await http.get("/secret")).status_code == 403
        assert (await http.get("/secret", headers=bearer("admin-key"))).status_code == 200
    async with served(HOST="0.0.0.0", ALLOW_OPEN="true") as http:
        assert (await http.get("/secret")).status_code == 200


async def test_every_service_takes_the_issuers_tokens(issuer: FakeIssuer):
    environ = {
        "AUTH_MODE": "keys", "OAUTH_ISSUER": issuer.url, "OAUTH_AUDIENCE": AUDIENCE, "API_KEYS": "plain-key",
        "OAUTH_ROLES_CLAIM": "realm_access.roles", "OAUTH_OPERATOR_ROLES": "ops", "OAUTH_TEAM_CLAIM": "team",
    }  # fmt: skip
    async with served(**environ) as http:
        token = issuer.token(AUDIENCE, realm_access={"roles": ["ops"]}, team="red")
        async with asyncio.timeout(5):
            while (await http.get("/me", headers=bearer(token))).status_code == 503:
                await asyncio.sleep(0.01)
        found = await me(http, token)
        assert (found["roles"], found["team"], found["source"]) == (["operator", "user"], "red", "token")
        assert (await http.get("/secret", headers=bearer(token))).json() == found["id"]
        plain = issuer.token(AUDIENCE, roles=["ops"])
        assert (await me(http, plain))["roles"] == ["user"]
        assert (await http.get("/secret", headers=bearer(plain))).status_code == 403
        assert (await me(http, "plain-key"))["source"] == "key"
        elsewhere = await http.get("/me", headers=bearer(issuer.token("https://other.example")))
        assert (elsewhere.status_code, elsewhere.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_resource_tells_where_to_get_a_token(issuer: FakeIssuer):
    environ = {"AUTH_MODE": "keys", "OAUTH_ISSUER": issuer.url, "OAUTH_RESOURCE_URL": f"{AUDIENCE}/llm"}
    async with served(**environ) as http:
        refused = await http.get("/me")
        metadata = "/.well-known/oauth-protected-resource/llm"
        assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{AUDIENCE}{metadata}"'
        document = (await http.get(metadata)).json()
        assert (document["resource"], document["resource_name"]) == (f"{AUDIENCE}/llm", "Small")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"API_KEYS": "k"}, "API_KEYS"),
        ({"API_KEYS": "good-key,12345"}, "API_KEYS"),
        ({"API_KEYS": "operator:12345"}, "API_KEYS"),
        ({"ADMIN_API_KEY": "x"}, "ADMIN_API_KEY"),
        ({"OAUTH_ISSUER": "http://issuer.example"}, "OAUTH_ISSUER"),
        ({"OAUTH_SCOPES": 'a"b'}, "OAUTH_SCOPES"),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(environ: dict[str, str], name: str):
    with pytest.raises(SettingsError, match=f"^{name}: ") as raised:
        load(ServiceSettings, environ)
    assert "12345" not in str(raised.value)


@pytest.mark.parametrize(
    "environ",
    [{"API_KEYS": "one-key"}, {"ADMIN_API_KEY": "one-key"}, {"OAUTH_ISSUER": "https://issuer.example"}],
)
def test_keys_mode_needs_one_of_three(environ: dict[str, str]):
    refuse_open_mode(load(ServiceSettings, {"AUTH_MODE": "keys", **environ}))
    with pytest.raises(SettingsError, match=r"API_KEYS, ADMIN_API_KEY or OAUTH_ISSUER"):
        refuse_open_mode(load(ServiceSettings, {"AUTH_MODE": "keys"}))


@pytest.mark.parametrize(
    ("environ", "name"),
    [({"AUTH_MODE": "none"}, "AUTH_MODE"), ({"AUTH_MODE": "keys"}, "OAUTH_RESOURCE_URL")],
)
def test_oauth_needs_what_goes_with_it(environ: dict[str, str], name: str):
    settings = load(ServiceSettings, {"OAUTH_ISSUER": "https://issuer.example", **environ})
    with pytest.raises(SettingsError, match=f"^{name}: "):
        create_service(name="small", title="Small", settings=settings)
