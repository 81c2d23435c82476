"""The prompt API over gRPC, by a client in Python and by grpcurl, which knows the service by reflection alone."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from fake_providers import Endless, Fails, FakeAzure, FakeOpenAI, Says
from grpc_health.v1 import health_pb2, health_pb2_grpc
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, Stage, gateway, staged
from tests.ports import free_port
from tests.waiting import eventually

GRPCURL = Path(sys.executable).with_name("grpcurl")


class Client:
    """`proto.AIService` at an address."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.generate: Any = self._method("Generate", pb.GenerateResponse)
        self.models: Any = self._method("ListModels", pb.ListModelsResponse)
        self.status: Any = self._method("GetStatus", pb.GetStatusResponse)
        self.stream: Any = channel.unary_stream(
            "/proto.AIService/GenerateStream", lambda message: message.SerializeToString(), pb.GenerateChunk.FromString
        )

    def _method(self, name: str, answer: Any) -> Any:
        return self.channel.unary_unary(
            f"/proto.AIService/{name}", lambda message: message.SerializeToString(), answer.FromString
        )


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(channel)


@asynccontextmanager
async def rpc(fake: FakeOpenAI, **environ: str) -> AsyncIterator[tuple[Stage, Client]]:
    port = free_port()
    async with staged(fake, GRPC_PORT=str(port), **environ) as stage, connected(port) as client:
        yield stage, client


def ask(prompt: str = "Hola", **more: Any) -> pb.GenerateRequest:
    return pb.GenerateRequest(**{"prompt": prompt, "model": "gpt-4o", **more})


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Status, our code and the trailers of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    trailers = {str(name): str(value) for name, value in failure.value.trailing_metadata() or ()}
    return failure.value.code(), trailers.get("x-error-code", ""), trailers


async def test_a_prompt_is_answered_with_its_metadata():
    fake = FakeOpenAI(Says("Hola a ti"))
    async with rpc(fake) as (stage, client):
        asked = ask(system_prompt="Sé breve", max_tokens=50, temperature=0.5, user_id="ana", session_id="s1")
        call = client.generate(asked, metadata=(("x-request-id", "req-1"),))
        answer = await call
        told = dict(await call.initial_metadata())
        [record] = await stage.observed()
    assert (answer.content, answer.model, answer.provider, answer.tokens_used) == ("Hola a ti", "gpt-4o", "openai", 13)
    assert (answer.session_id, answer.request_id, answer.tokens.current) == ("s1", "req-1", 13)
    assert answer.HasField("cost_usd") and f"{answer.cost_usd:.9f}" == f"{float(told['x-response-cost-usd']):.9f}"
    assert (told["x-cache"], told["x-provider"], told["x-request-id"]) == ("miss", "openai", "req-1")
    assert (record.surface, record.end_user, record.session, record.status) == ("grpc", "ana", "s1", "ok")
    sent = fake.calls[0].body
    assert sent["messages"][0] == {"role": "system", "content": "Sé breve"}
    assert (sent["max_completion_tokens"], sent["temperature"]) == (50, 0.5)


async def test_a_stream_is_chunks_and_their_totals():
    async with rpc(FakeOpenAI(Says(["Ho", "la"]))) as (_, client):
        call = client.stream(ask())
        *chunks, last = [chunk async for chunk in call]
        told = dict(await call.initial_metadata())
        again = [chunk async for chunk in client.stream(ask())]
    assert [(chunk.content, chunk.finished, chunk.index) for chunk in chunks] == [("Ho", False, 0), ("la", False, 1)]
    assert (last.finished, last.total_tokens, last.model, last.cached) == (True, 13, "gpt-4o", False)
    assert told["x-cache"] == "miss" and again[-1].cached and again[-1].cost_usd == 0


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        (ask(""), grpc.StatusCode.INVALID_ARGUMENT, "invalid_request"),
        (ask(max_tokens=0), grpc.StatusCode.INVALID_ARGUMENT, "invalid_request"),
        (ask(temperature=9), grpc.StatusCode.INVALID_ARGUMENT, "invalid_request"),
        (ask(session_id="a b"), grpc.StatusCode.INVALID_ARGUMENT, "invalid_request"),
        (ask(model="nope"), grpc.StatusCode.NOT_FOUND, "model_not_found"),
        (ask(provider="azure"), grpc.StatusCode.UNAVAILABLE, "provider_not_configured"),
        (ask(), grpc.StatusCode.RESOURCE_EXHAUSTED, "upstream_rate_limited"),
    ],
)
async def test_errors_are_statuses_with_our_code(message: pb.GenerateRequest, status: grpc.StatusCode, code: str):
    async with rpc(FakeOpenAI(always=Fails(429, retry_after="7"))) as (stage, client):
        whole = await refused(client.generate(message))
        streamed = await refused(_all(client.stream(message)))
        records = await stage.observed()
    assert whole[:2] == streamed[:2] == (status, code)
    assert {record.error_code for record in records} == {code} and len(records) == 2
    trailers = whole[2]
    assert trailers["x-request-id"]
    assert trailers.get("retry-after" if code == "upstream_rate_limited" else "x-should-retry") in ("7", "false")


async def _all(call: Any) -> list[Any]:
    return [chunk async for chunk in call]


async def test_keys_come_as_metadata():
    keys = {"AUTH_MODE": "keys", "API_KEYS": "user-key-1,trusted:agent-key-1"}
    async with rpc(FakeOpenAI(always=Says("x")), **keys) as (stage, client):
        unauthenticated = grpc.StatusCode.UNAUTHENTICATED
        for method, message in (
            (client.generate, ask()), (client.models, pb.ListModelsRequest()), (client.status, pb.GetStatusRequest()),
        ):  # fmt: skip
            assert (await refused(method(message)))[:2] == (unauthenticated, "missing_api_key")
        wrong = await refused(client.generate(ask(), metadata=(("authorization", "Bearer wrong-key"),)))
        assert wrong[:2] == (unauthenticated, "invalid_api_key")
        for metadata in ((("authorization", "Bearer user-key-1"),), (("x-api-key", "agent-key-1"),)):
            await client.generate(ask(user_id="ana"), metadata=metadata)
        health = health_pb2_grpc.HealthStub(client.channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service="proto.AIService"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        metrics = await stage.http.get("/metrics", headers={"x-api-key": "user-key-1"})
        assert metrics.status_code == 200
    [first, second] = stage.calls
    assert first.end_user is None and second.end_user == f"{second.principal}/ana"


async def test_a_client_that_cancels_ends_the_call_at_the_provider():
    fake = FakeOpenAI(Endless("palabras ", pause=0.01))
    async with rpc(fake) as (stage, client):
        call = client.stream(ask())
        await call.read()
        call.cancel()
        await fake.calls[0].left.wait()
        assert await eventually(lambda: _ended(stage)) == [("cancelled", "client_gone")]


async def test_a_deadline_is_kept():
    fake = FakeOpenAI(Says("x", hold=asyncio.Event()))
    async with rpc(fake) as (stage, client):
        assert (await refused(client.generate(ask(), timeout=0.3)))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
        await fake.calls[0].left.wait()
        [(status, _)] = await eventually(lambda: _ended(stage))
        assert status in ("cancelled", "error")


async def test_a_client_that_does_not_read_is_left():
    fake = FakeOpenAI(Endless("palabras " * 10_000))
    async with rpc(fake, CLIENT_SEND_TIMEOUT="0.2") as (stage, client):
        call = client.stream(ask())
        await call.read()
        assert await eventually(lambda: _ended(stage)) == [("cancelled", "client_stalled")]
        call.cancel()


async def _ended(stage: Stage) -> list[tuple[str, str | None]]:
    return [(call.status, call.error_code) for call in await stage.observed()]


async def test_a_message_over_the_limit_is_refused():
    async with rpc(FakeOpenAI(), MAX_BODY_BYTES="1000") as (_, client):
        assert (await refused(client.generate(ask("x" * 2000))))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_models_and_status():
    async with rpc(FakeOpenAI()) as (_, client):
        models = await client.models(pb.ListModelsRequest())
        status = await client.status(pb.GetStatusRequest())
    named = {model.name: model for model in models.models}
    assert models.count == len(named) and named["gpt-4o"].available and named["gpt-4o"].max_tokens == 16384
    assert named["gpt-4o"].price.input_usd_per_mtok == 2.5 and named["bedrock-nova-pro"].reason
    assert (status.status, status.providers["openai"].available) == ("healthy", True)
    assert status.pool.max_workers == 10_000 and status.uptime


async def test_a_port_that_is_taken_stops_the_start():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(RuntimeError):
        async with gateway(GRPC_PORT=str(taken.getsockname()[1])):
            pass


# --- grpcurl ---


async def grpcurl(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        GRPCURL, "-plaintext", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_grpcurl_knows_the_service_by_reflection():
    port = free_port()
    address = f"localhost:{port}"
    fake = FakeAzure(Says(["Ho", "la"]))
    async with (
        running(fake) as upstream,
        gateway(GRPC_PORT=str(port), AZURE_API_KEY=KEY, AZURE_ENDPOINT=upstream),
    ):
        listed = await grpcurl(address, "list")
        described = await grpcurl(address, "describe", "proto.AIService")
        body = (
            '{"prompt": "Hola", "model": "gpt-4o", "provider": "azure", "systemPrompt": "Sé breve", "maxTokens": 500}'
        )
        status, streamed, _ = await grpcurl("-d", body, address, "proto.AIService/GenerateStream")
        unknown = await grpcurl("-d", '{"prompt": "Hola", "model": "nope"}', address, "proto.AIService/Generate")
        healthy = await grpcurl(address, "grpc.health.v1.Health/Check")
    fake.check()
    assert {"proto.AIService", "grpc.health.v1.Health"} <= set(listed[1].split())
    assert "rpc GenerateStream ( .proto.GenerateRequest ) returns ( stream .proto.GenerateChunk );" in described[1]
    chunks = [msgspec.json.decode(part + "}") for part in streamed.split("\n}")[:-1]]
    assert status == 0 and "".join(chunk.get("content", "") for chunk in chunks) == "Hola"
    assert chunks[-1]["finished"] and chunks[-1]["provider"] == "azure-openai"
    assert unknown[0] != 0 and "NotFound" in unknown[2] and "SERVING" in healthy[1]
