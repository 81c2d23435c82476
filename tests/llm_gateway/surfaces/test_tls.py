"""TLS on the gateway's ports, served by the process itself."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from llm_gateway.surfaces.tls import certificate_of, tls_options
from service_kit import healthcheck
from service_kit.settings import SettingsError, load
from websockets.asyncio.client import connect

from tests.certificates import Authority
from tests.ports import free_ports
from tests.waiting import eventually


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path)
    authority.serving("localhost")  # whose certificate and key are in localhost.pem
    return authority


@pytest.mark.timeout(60)
async def test_every_port_speaks_tls(authority: Authority, tmp_path: Path):
    http_port, ws_port, grpc_port = free_ports(3)
    pem = str(tmp_path / "localhost.pem")
    environ = {
        "PATH": os.environ["PATH"], "HTTP_PORT": str(http_port), "WS_PORT": str(ws_port), "GRPC_PORT": str(grpc_port),
        "ENABLE_TLS": "true", "TLS_CERT_PATH": pem, "TLS_KEY_PATH": pem,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "llm_gateway", env=environ)
    try:
        trusting = authority.trusting()
        async with httpx.AsyncClient(base_url=f"https://localhost:{http_port}", verify=trusting) as http:
            await eventually(lambda: _ready(http), seconds=50)
            answer = await http.post("/api/v1/generate", json={"prompt": "Hola"})
            assert answer.status_code == 200 and answer.json()["content"]
        for port in (http_port, ws_port):
            async with connect(f"wss://localhost:{port}/ws", ssl=trusting) as client:
                await client.send('{"prompt": "Hola"}')
                assert '"content"' in str(await client.recv())
        credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
        async with grpc.aio.secure_channel(f"localhost:{grpc_port}", credentials) as channel:
            generate = channel.unary_unary(
                "/proto.AIService/Generate", pb.GenerateRequest.SerializeToString, pb.GenerateResponse.FromString
            )
            assert (await generate(pb.GenerateRequest(prompt="Hola"))).content
        assert healthcheck.main(str(http_port), tls=True) == 0 and healthcheck.main(str(http_port)) == 1
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def settings(**environ: str) -> GatewaySettings:
    return load(GatewaySettings, environ)


def test_without_tls_there_is_no_certificate():
    assert tls_options(settings(TLS_CERT_PATH="/nowhere.pem")) == {}


def test_what_cannot_be_served_stops_the_start_by_name(authority: Authority, tmp_path: Path):
    pem, other = str(tmp_path / "localhost.pem"), tmp_path / "other.pem"
    other.write_text("nothing")
    for environ, named in (
        ({}, "TLS_CERT_PATH"),
        ({"TLS_CERT_PATH": pem}, "TLS_KEY_PATH"),
        ({"TLS_CERT_PATH": pem, "TLS_KEY_PATH": str(tmp_path / "none.pem")}, "TLS_KEY_PATH"),
        ({"TLS_CERT_PATH": pem, "TLS_KEY_PATH": str(other)}, "TLS_CERT_PATH, TLS_KEY_PATH"),
    ):
        with pytest.raises(SettingsError, match=f"^{named}: "):
            certificate_of(settings(ENABLE_TLS="true", **environ))
    assert certificate_of(settings(ENABLE_TLS="true", TLS_CERT_PATH=pem, TLS_KEY_PATH=pem))
