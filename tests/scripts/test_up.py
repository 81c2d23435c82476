"""`make up`: what it plans, before it starts anything."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.scripts.loading import script

UP, PLAN, PROCESSES = script("up"), script("suite_plan"), script("suite_processes")
QUESTION = script("first_question")


def plan(environ: Mapping[str, str]) -> dict[str, Any]:
    return {service.name: service for service in PLAN.plan(environ)}


def test_four_services_in_the_order_of_their_needs():
    services = PLAN.plan({})
    assert [(one.name, one.port) for one in services] == [
        ("llm-gateway", 8003), ("mcp-toolbox", 8000), ("agent-http", 8001), ("agent-websocket", 8002),
    ]  # fmt: skip
    assert {one.ready_path for one in services} == {"/readyz"}


def test_each_service_listens_on_its_own_port_on_loopback():
    ports = {"PORT": "9003", "TOOLBOX_PORT": "9000", "AGENT_HTTP_PORT": "9001", "AGENT_WS_PORT": "9002"}
    services = PLAN.plan({**ports, "HOST": "0.0.0.0"})
    assert [one.port for one in services] == [9003, 9000, 9001, 9002]
    for one in services:
        assert one.environment["PORT"] == str(one.port)
        assert one.environment["HOST"] == "127.0.0.1"


def test_the_agents_find_the_others_and_the_page_may_ask_them():
    services = plan({"PORT": "9003", "TOOLBOX_PORT": "9000", "AGENT_WS_PORT": "9002"})
    for name in ("agent-http", "agent-websocket"):
        assert services[name].environment["LLM_GATEWAY_URL"] == "http://127.0.0.1:9003"
        assert services[name].environment["MCP_SERVER_URL"] == "http://127.0.0.1:9000"
    assert "http://localhost:9002" in services["llm-gateway"].environment["CORS_ALLOWED_ORIGINS"].split(",")
    own = plan({"CORS_ALLOWED_ORIGINS": "https://app.example"})
    assert own["agent-http"].environment["CORS_ALLOWED_ORIGINS"] == "https://app.example"


PROVIDERS_SECRETS = (
    "OPENAI_API_KEY", "GOOGLE_API_KEY", "AZURE_API_KEY", "AZURE_ENDPOINT", "AZURE_AD_TOKEN", "ANTHROPIC_API_KEY",
    "OPENROUTER_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "VLLM_API_KEY",
    "GROQ_API_KEY", "HF_TOKEN", "MY_PROVIDER_KEY",
)  # fmt: skip
MODEL = {"LOCAL_MODEL_PATH": "/models/a.gguf"}


def holders(environ: Mapping[str, str], name: str) -> set[str]:
    """The services that get `name`."""
    return {service.name for service in PLAN.plan({**environ, name: "secret"}) if name in service.environment}


@pytest.mark.parametrize("name", PROVIDERS_SECRETS)
def test_only_the_gateway_gets_a_providers_credentials_whatever_they_are_called(name: str):
    assert holders(MODEL, name) == {"llm-gateway"}


@pytest.mark.parametrize(
    ("name", "those"),
    [
        ("POSTGRES_URL", {"mcp-toolbox"}),
        ("ODOO_PASSWORD", {"mcp-toolbox"}),
        ("MCP_STATE_KEYS", {"mcp-toolbox"}),
        ("PAGE_TOKEN", {"agent-websocket"}),
        ("TOOLBOX_API_KEY", {"agent-http", "agent-websocket"}),
        ("LLM_GATEWAY_API_KEY", {"mcp-toolbox", "agent-http", "agent-websocket"}),
        ("AGENT_API_KEY", set()),
        ("API_KEYS", {"llm-gateway", "mcp-toolbox", "agent-http", "agent-websocket"}),
        ("HTTPS_PROXY", {"llm-gateway", "mcp-toolbox"}),
    ],
)
def test_a_secret_goes_to_those_alone_that_use_it(name: str, those: set[str]):
    assert holders(MODEL, name) == those


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "SSL_CERT_FILE"])
def test_everybody_gets_what_any_program_needs(name: str):
    assert len(holders(MODEL, name)) == 5


def test_what_the_file_of_other_servers_refers_to_goes_to_the_toolbox(tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text('{"mcpServers": {"git": {"command": "x", "env": {"A": "${GITHUB_TOKEN}", "B": "${env:REGION}"}}}}')
    environ = {"MCP_SERVERS_FILE": str(file)}
    assert holders(environ, "GITHUB_TOKEN") == holders(environ, "REGION") == {"llm-gateway", "mcp-toolbox"}
    assert holders(environ, "GITLAB_TOKEN") == {"llm-gateway"}
    assert holders({"MCP_SERVERS_FILE": str(tmp_path / "none.json")}, "GITHUB_TOKEN") == {"llm-gateway"}


def test_a_local_model_is_served_first_and_the_gateway_told_where():
    services = PLAN.plan({"LOCAL_MODEL_PATH": "/models/a.gguf", "LOCAL_MODEL_PORT": "9004"})
    model, gateway = services[0], services[1]
    assert (model.name, model.port, model.ready_path) == ("local-model", 9004, "/health")
    assert model.command[-4:] == ("--serve", "/models/a.gguf", "--port", "9004")
    assert gateway.environment["LOCAL_MODEL_URL"] == "http://127.0.0.1:9004/v1"


def test_a_local_model_that_runs_already_is_left_alone():
    url = {"LOCAL_MODEL_PATH": "/models/a.gguf", "LOCAL_MODEL_URL": "http://127.0.0.1:1/v1"}
    assert len(PLAN.plan(url)) == 4


@pytest.mark.parametrize("variable", ["PORT", "TOOLBOX_PORT", "AGENT_HTTP_PORT", "AGENT_WS_PORT", "LOCAL_MODEL_PORT"])
@pytest.mark.parametrize("value", ["eighty", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_is_said_by_name(variable: str, value: str):
    with pytest.raises(PLAN.CannotStart, match=f"^{variable}: '{value}' is not a port number$"):
        PLAN.plan({variable: value, "LOCAL_MODEL_PATH": "a.gguf"})


def test_the_gateways_port_has_two_names():
    assert plan({"HTTP_PORT": "8090"})["llm-gateway"].port == 8090
    assert plan({"HTTP_PORT": "8090", "PORT": "9003"})["llm-gateway"].port == 9003


def test_an_empty_port_is_the_default():
    assert plan({"PORT": "", "TOOLBOX_PORT": " "})["llm-gateway"].port == 8003


def test_two_services_on_one_port_are_said_by_name():
    with pytest.raises(PLAN.CannotStart, match=r"port 9000 .*llm-gateway.*mcp-toolbox"):
        PLAN.plan({"PORT": "9000", "TOOLBOX_PORT": "9000"})


def test_every_taken_port_is_said_with_the_variable_that_moves_it():
    with socket.socket() as one, socket.socket() as other, socket.socket() as free:
        for listener in (one, other, free):
            listener.bind(("127.0.0.1", 0))
        one.listen()
        other.listen()
        ports = [listener.getsockname()[1] for listener in (one, other, free)]
        free.close()
        services = PLAN.plan({"PORT": str(ports[0]), "AGENT_HTTP_PORT": str(ports[1]), "AGENT_WS_PORT": str(ports[2])})
        with pytest.raises(PLAN.CannotStart) as caught:
            PLAN.check_ports([one for one in services if one.name != "mcp-toolbox"])
    said = str(caught.value)
    assert f"port {ports[0]} (llm-gateway) is taken: stop what uses it, or set PORT" in said
    assert f"port {ports[1]} (agent-http) is taken: stop what uses it, or set AGENT_HTTP_PORT" in said
    assert str(ports[2]) not in said


ANSWER = {
    "result": "es 200", "model": "offline", "fallback_from": "gpt-4o", "latency_ms": 12.3,
    "steps": [
        {"node": "llm"},
        {"node": "tool_execution", "tools": [{"name": "multiply", "args": {"a": 25, "t": "ñ"}, "result": "200"}]},
    ],
}  # fmt: skip


class Agent(BaseHTTPRequestHandler):
    """Answers `/process` when the key is right."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        right = self.headers["authorization"] == "Bearer a-key"
        self.send_response(200 if right else 401)
        self.end_headers()
        self.wfile.write(json.dumps(ANSWER).encode() if right else b'{"error": "no"}')

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def agent():
    with HTTPServer(("127.0.0.1", 0), Agent) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_proof_shows_the_tools_and_who_answered(agent: str):
    proof = QUESTION.ask(agent, "a-key")
    assert 'multiply(a=25, t="ñ") → 200' in proof
    assert "‹ es 200" in proof
    assert "(offline, in place of gpt-4o, 12 ms)" in proof


def test_a_refused_or_unheard_first_question_is_said(agent: str):
    with pytest.raises(QUESTION.NotAnswered, match=r'^401 {"error": "no"}$'):
        QUESTION.ask(agent, None)
    with pytest.raises(QUESTION.NotAnswered, match="refused"):
        QUESTION.ask("http://127.0.0.1:1", None)


def test_an_envelope_is_told_in_words():
    body = json.dumps({"error": {"message": "openai refused OPENAI_API_KEY.", "code": "upstream_credentials"}})
    error = QUESTION._refused(502, body.encode())
    assert (str(error), error.code) == (
        "openai refused OPENAI_API_KEY (502 upstream_credentials)",
        "upstream_credentials",
    )


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error": null}', b'{"error": {}}', b"\xff"])
def test_what_is_no_envelope_is_told_as_it_is(body: bytes):
    assert str(QUESTION._refused(500, body)).startswith("500 ")


def test_the_welcome_names_every_address():
    services = PLAN.plan({"PORT": "9003"})
    text = UP.welcome(services, "the proof", 3.21)
    assert all(service.url in text for service in services)
    assert "(3.2 s)" in text
    assert "the proof" in text


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_an_env_file_as_windows_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes):
    (tmp_path / ".env").write_bytes(start + b"FIRST=one\r\nexport SECOND='two words'\r\n# no=thing\r\nTHIRD=\"3\"\r\n")
    monkeypatch.setattr(PLAN, "ROOT", tmp_path)
    monkeypatch.setenv("THIRD", "from the shell")
    environ = PLAN.environment()
    assert (environ["FIRST"], environ["SECOND"], environ["THIRD"]) == ("one", "two words", "from the shell")


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(PLAN, "ROOT", tmp_path)
    assert PLAN.environment().keys()  # without one there is the shell's environment
    (tmp_path / ".env").write_bytes("PORT=9003".encode("utf-16"))
    with pytest.raises(PLAN.CannotStart, match=r"\.env cannot be read"):
        PLAN.environment()


@pytest.mark.parametrize("text", ['A="x\nB=2\n', "=x\nB=1\n", "1 2=3\n", "A=x\x00y\n"])
def test_a_line_of_the_env_file_that_is_no_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    (tmp_path / ".env").write_text("# a comment\n" + text)
    monkeypatch.setattr(PLAN, "ROOT", tmp_path)
    with pytest.raises(PLAN.CannotStart, match=r"\.env, line 2: this is not NAME=VALUE"):
        PLAN.environment()


@pytest.mark.parametrize("value", ["²", "８００３", "9" * 5_000, "+80"])
def test_what_looks_like_a_number_and_is_no_port_is_said(value: str):
    with pytest.raises(PLAN.CannotStart, match=r"^PORT: .{1,30} is not a port number"):
        PLAN.plan({"PORT": value})


async def test_a_line_without_end_does_not_stop_what_a_service_writes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PROCESSES, "_LONGEST_LINE", 4096)
    code = "import sys; sys.stdout.write('x' * 1_000_000 + '\\nthe last line\\n')"
    suite = PROCESSES.Suite([PLAN.Service("talker", (sys.executable, "-c", code), 1, "PORT", {})], colored=False)
    await suite.start()
    assert await asyncio.wait_for(suite.wait_for_the_first_to_end(), 9) == "talker"
    await suite.stop()
    assert capsys.readouterr().out.endswith("talker │ the last line\n")


def test_a_closed_output_ends_nothing():
    code = (
        f"import sys; sys.path.append({str(PROCESSES.ROOT / 'scripts')!r}); from suite_processes import say; input()\n"
        "for _ in 'abc': say('x')"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin and child.stdout
    child.stdout.close()
    child.stdin.write(b"\n")
    child.stdin.close()
    assert child.wait(20) == 0
