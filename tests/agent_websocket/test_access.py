"""Who may connect: hosts, origins, keys, the page's token, and whose connection id it is."""

import base64
import json

import httpx
import pytest
from agent_websocket.testing import ScriptedAgent
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

KEYS = {"AUTH_MODE": "keys", "API_KEYS": "first-key,second-key"}


def bearer(key: str) -> str:
    return "bearer." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def header(key: str) -> dict:
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}


async def refused(stage, **options):
    with pytest.raises(InvalidStatus) as refusal:
        async with stage.client(**options):
            pass
    response = refusal.value.response
    return response.status_code, json.loads(response.body)["error"]["code"]


async def test_a_strange_host_is_refused(stage):
    port = int(stage.url.rpartition(":")[2])
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(f"ws://evil.example:{port}/ws", host="127.0.0.1", port=port, proxy=None):
            pass
    assert refusal.value.response.status_code == 421


async def test_two_hosts_are_none(stage):
    assert await refused(stage, additional_headers={"Host": "localhost"}) == (400, "repeated_header")


async def test_a_plain_request_for_the_socket_is_told_what_to_do(stage):
    async with httpx.AsyncClient(base_url=stage.url) as http:
        for path in ("/ws", "/ws/named"):
            response = await http.get(path, headers={"accept-language": "en"})
            assert (response.status_code, response.headers["upgrade"]) == (426, "websocket")
            assert "ws://" in response.json()["error"]["message"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9999"])
async def test_a_strange_page_is_refused(stage, origin):
    assert await refused(stage, origin=origin) == (403, "origin_not_allowed")


async def test_our_own_page_may_connect(stage):
    async with stage.client(origin=stage.url) as client:
        assert client.greeting["type"] == "connected"


async def test_a_page_from_disk_needs_the_token(stage):
    assert (await refused(stage, origin="null", subprotocols=["agent.v1", bearer("wrong")]))[0] == 403
    async with stage.client(origin="null", subprotocols=["agent.v1", bearer(stage.page_token)]) as client:
        assert client.greeting["type"] == "connected"
        assert client.connection.subprotocol == "agent.v1"


async def test_a_subprotocol_that_was_not_offered_is_not_chosen(stage):
    async with stage.client(subprotocols=["something.else"]) as client:
        assert client.connection.subprotocol is None


async def test_with_keys_one_is_needed(stage_of):
    async with stage_of(**KEYS) as stage:
        assert await refused(stage) == (401, "missing_api_key")
        assert await refused(stage, **header("wrong")) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "options",
    [
        header("first-key"),
        {"additional_headers": {"x-api-key": "first-key"}},
        {"subprotocols": ["agent.v1", bearer("first-key")]},
    ],
)
async def test_a_key_comes_as_a_header_or_a_subprotocol(stage_of, options):
    async with stage_of(**KEYS) as stage, stage.client(**options) as client:
        await client.say("x")
        await client.until("complete")
    assert stage.agent.requests[0].user.startswith("key_")


async def test_one_key_cannot_use_up_the_sockets_of_others(stage_of):
    async with stage_of(**KEYS, WS_MAX_CONNECTIONS="2") as stage:
        bob, ana = header("first-key"), header("second-key")
        async with stage.client(**bob), stage.client(**bob), stage.client(**bob) as third:
            assert third.greeting["code"] == "too_many_connections"
            async with stage.client(**ana) as client, stage.client(**ana) as one_more:
                assert client.greeting["type"] == "connected"
                assert one_more.greeting["code"] == "too_many_connections", "an equal share of two is one"
                async with stage.client(**bob) as fourth:
                    assert fourth.greeting["code"] == "too_many_connections"


async def test_a_connection_id_belongs_to_its_principal(stage_of):
    async with stage_of(ScriptedAgent(), **KEYS) as stage:
        async with stage.client("mine", **header("first-key")) as client:
            await client.say("private")
            await client.until("complete")
        async with stage.client("mine", **header("second-key")) as thief:
            assert (thief.greeting["type"], thief.greeting["code"]) == ("error", "connection_forbidden")
            assert "private" not in json.dumps(thief.greeting)
            assert await thief.closed() == 1008
        async with stage.client("mine", **header("first-key")) as client:
            assert client.greeting["last_seq"] > 0
        async with stage.client("other", **header("second-key")) as client:
            await client.say("x", thread_id="mine")
            await client.until("complete")
    users = {request.user for request in stage.agent.requests}
    assert len(users) == 2
