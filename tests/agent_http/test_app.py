"""The service as a process, and its description."""

import asyncio
import os
import signal
import sys

import httpx2
import msgspec
import pytest
from agent_http.app import from_environment
from agent_http.settings import HttpAgentSettings
from service_kit.settings import load

from tests.ports import free_port


def test_the_port_is_the_http_agents():
    assert load(HttpAgentSettings, {}).port == 8001


def test_every_route_and_every_shape_is_described():
    app, _ = from_environment({})
    document = app.openapi()
    assert {"/health", "/process", "/process/stream", "/healthz", "/readyz"} <= set(document["paths"])
    process = document["paths"]["/process"]["post"]
    assert {"200", "404", "413", "422", "503", "504"} <= set(process["responses"])
    assert process["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Question")
    schemas = document["components"]["schemas"]
    assert {"steps", "usage", "cost_usd"} <= set(schemas["RunResult"]["properties"])
    assert "fallback_from" not in schemas["RunResult"]["required"]
    assert schemas["Question"]["examples"] and schemas["Question"]["additionalProperties"] is False


def test_every_reference_of_the_description_leads_somewhere():
    app, _ = from_environment({})
    document = app.openapi()

    def references(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                elif key == "mapping":
                    yield from inner.values()
                else:
                    yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    found = set(references(document))
    assert len(found) > 10
    assert {reference.rpartition("/")[2] for reference in found} <= set(document["components"]["schemas"])


async def started(**variables: str) -> asyncio.subprocess.Process:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent_http", env=environ | variables,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_starts_without_its_dependencies_and_ends_cleanly_when_told():
    port = free_port()
    process = await started(PORT=str(port), LLM_GATEWAY_URL="http://127.0.0.1:1", MCP_SERVER_URL="http://127.0.0.1:1")
    try:
        async with httpx2.AsyncClient(timeout=60) as client, asyncio.timeout(60):
            while True:
                try:
                    async with client.stream("GET", f"http://127.0.0.1:{port}/readyz") as response:
                        if response.status_code == 200:
                            break
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
            async with client.stream("GET", f"http://127.0.0.1:{port}/health") as response:
                assert msgspec.json.decode(await response.aread())["status"] == "degraded"
            async with client.stream("POST", f"http://127.0.0.1:{port}/process", json={"input": "hola"}) as response:
                assert response.status_code == 503
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 15)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"Traceback" not in errors


@pytest.mark.parametrize(("name", "value"), [("MAX_STEPS", "x"), ("HOST", "0.0.0.0")])
async def test_a_wrong_setting_ends_it_with_the_name_of_the_variable(name: str, value: str):
    process = await started(**{"PORT": "0", name: value})
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert name in errors.decode() and "Traceback" not in errors.decode()
