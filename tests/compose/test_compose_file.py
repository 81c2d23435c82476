"""docker-compose.yml without an engine: what is published, what is allowed, and that the code accepts it."""

import re
from pathlib import Path

import pytest
import yaml
from agent_http.settings import HttpAgentSettings
from agent_websocket.settings import WebSocketAgentSettings
from llm_gateway.settings import GatewaySettings
from mcp_toolbox.settings import ToolboxSettings
from service_kit.service import refuse_open_mode
from service_kit.settings import load

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
SETTINGS = {
    "llm-gateway": GatewaySettings,
    "toolbox": ToolboxSettings,
    "agent-http": HttpAgentSettings,
    "agent-websocket": WebSocketAgentSettings,
}
PORTS = {"llm-gateway": 8003, "toolbox": 8000, "agent-http": 8001, "agent-websocket": 8002}
HOST_PORTS = {
    "llm-gateway": ["PORT", "METRICS_PORT", "GRPC_PORT"],
    "toolbox": ["TOOLBOX_PORT"],
    "agent-http": ["AGENT_HTTP_PORT"],
    "agent-websocket": ["AGENT_WS_PORT"],
}
VARIABLE = re.compile(r"\$\{(\w+)(?::-((?:[^{}]|\$\{[^{}]*\})*))?\}")


def interpolated(text: str, environ: dict[str, str]) -> str:
    """`text` as Compose makes it of `${NAME:-default}`, where the default may hold variables too."""

    def value(match: re.Match[str]) -> str:
        return environ.get(match[1]) or interpolated(match[2] or "", environ)

    return VARIABLE.sub(value, text)


def environment(service: str, environ: dict[str, str]) -> dict[str, str]:
    """What the container finds, with `environ` as the .env file: all of it where the service reads the file, else
    what it names without a value; and what the service sets itself."""
    own = SERVICES[service]["environment"]
    whole = environ if "env_file" in SERVICES[service] else {}
    named = {name: environ[name] for name, value in own.items() if value is None and name in environ}
    fixed = {name: interpolated(str(value), environ) for name, value in own.items() if value is not None}
    return {**whole, **named, **fixed}


@pytest.fixture(params=SERVICES)
def service(request):
    return request.param


def test_the_four_services_are_on_one_network():
    assert SERVICES.keys() == SETTINGS.keys()
    assert [service["networks"] for service in SERVICES.values()] == [["mcp-network"]] * 4
    assert COMPOSE["networks"] == {"mcp-network": {"name": "mcp-network"}}


def test_ports_are_published_on_loopback_only_and_can_be_moved(service):
    for published, variable in zip(SERVICES[service]["ports"], HOST_PORTS[service], strict=True):
        inside = interpolated(published, {}).rpartition(":")[2]
        assert interpolated(published, {}) == f"127.0.0.1:{inside}:{inside}"
        assert interpolated(published, {variable: "7777"}) == f"127.0.0.1:7777:{inside}"


def test_the_container_listens_where_compose_says(service):
    # PORT in a .env that all share is the gateway's port on the host: no container may follow it.
    settings = load(SETTINGS[service], environment(service, {"PORT": "7777", "HOST": "127.0.0.1"}))
    assert (settings.host, settings.port) == ("0.0.0.0", PORTS[service])


def test_the_services_start_without_keys(service):
    refuse_open_mode(load(SETTINGS[service], environment(service, {})))


def test_ports_are_the_ones_that_the_code_has_by_itself(service):
    assert load(SETTINGS[service], {}).port == PORTS[service]


def test_the_gateway_serves_prometheus_and_grpc():
    settings = load(GatewaySettings, environment("llm-gateway", {"GRPC_PORT": "7777"}))
    assert (settings.metrics_port, settings.grpc_port) == (9090, 50051)


def test_a_service_answers_to_its_own_name_to_loopback_and_to_what_the_user_adds(service):
    settings = load(SETTINGS[service], environment(service, {"ALLOWED_HOSTS": "my.host,other.host"}))
    assert set(settings.allowed_hosts) == {"localhost", "127.0.0.1", service, "my.host", "other.host"}


def test_the_chat_page_may_call_wherever_it_is_published(service):
    assert "http://localhost:8002" in load(SETTINGS[service], environment(service, {})).cors_allowed_origins
    moved = load(SETTINGS[service], environment(service, {"AGENT_WS_PORT": "9999"}))
    assert moved.cors_allowed_origins == ("http://localhost:9999", "http://127.0.0.1:9999")
    chosen = load(SETTINGS[service], environment(service, {"CORS_ALLOWED_ORIGINS": "https://a.example"}))
    assert chosen.cors_allowed_origins == ("https://a.example",)


@pytest.mark.parametrize("agent", ["agent-http", "agent-websocket"])
def test_agents_call_the_others_by_name_and_wait_for_them(agent):
    settings = load(SETTINGS[agent], environment(agent, {"LLM_GATEWAY_URL": "http://localhost:8003"}))
    assert settings.llm_gateway_url == f"http://llm-gateway:{PORTS['llm-gateway']}"
    assert settings.mcp_server_url == f"http://toolbox:{PORTS['toolbox']}"
    healthy = {"condition": "service_healthy"}
    assert SERVICES[agent]["depends_on"] == {"llm-gateway": healthy, "toolbox": healthy}


def test_the_env_file_may_be_missing_and_goes_to_the_gateway_alone():
    readers = {name: body["env_file"] for name, body in SERVICES.items() if "env_file" in body}
    assert readers == {"llm-gateway": [{"path": ".env", "required": False}]}


def test_every_variable_that_a_service_reads_can_be_set_in_the_env_file(service):
    if service == "llm-gateway":
        return  # it gets the whole file
    read = {str(field.alias) for field in SETTINGS[service].model_fields.values()}
    assert read - SERVICES[service]["environment"].keys() == set()


def test_only_the_gateway_sees_the_keys_of_providers(service):
    keys = {"OPENAI_API_KEY": "sk-1", "AZURE_API_KEY": "2", "AWS_SECRET_ACCESS_KEY": "3", "GOOGLE_API_KEY": "4"}
    seen = environment(service, keys).keys() & keys.keys()
    assert seen == (keys.keys() if service == "llm-gateway" else set())


def test_containers_are_confined_and_come_back(service):
    body = SERVICES[service]
    assert body["restart"] == "unless-stopped"
    assert body["read_only"] is True
    assert body["cap_drop"] == ["ALL"]
    assert "cap_add" not in body
    assert "privileged" not in body
    assert body["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= body.keys()


def test_a_stop_waits_for_the_drain(service):
    drain = load(SETTINGS[service], environment(service, {})).shutdown_grace_seconds
    assert int(SERVICES[service]["stop_grace_period"].removesuffix("s")) > drain


def test_no_key_stands_twice():
    """Compose refuses a repeated key, which PyYAML takes without a word."""

    def repeated(node: yaml.Node) -> list[str]:
        if isinstance(node, yaml.SequenceNode):
            return [key for item in node.value for key in repeated(item)]
        if not isinstance(node, yaml.MappingNode):
            return []
        keys = [key.value for key, _ in node.value]
        own = [key for key in set(keys) if keys.count(key) > 1]
        return own + [key for _, value in node.value for key in repeated(value)]

    assert repeated(yaml.compose((ROOT / "docker-compose.yml").read_text("utf-8"))) == []
