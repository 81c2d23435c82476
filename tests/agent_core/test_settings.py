import pytest
from agent_core.settings import AgentSettings
from service_kit.settings import SettingsError, load


def test_the_defaults_are_the_suites_own_ports():
    settings = load(AgentSettings, {})
    assert settings.llm_gateway_url == "http://127.0.0.1:8003"
    assert settings.mcp_endpoint == "http://127.0.0.1:8000/mcp"
    assert settings.default_model is None and settings.max_steps == 10 and settings.run_timeout_seconds == 120


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("http://toolbox:8000", "http://toolbox:8000/mcp"),
        ("http://toolbox:8000/", "http://toolbox:8000/mcp"),
        ("http://toolbox:8000/mcp", "http://toolbox:8000/mcp"),
        ("https://x.example/tools/mcp/", "https://x.example/tools/mcp"),
    ],
)
def test_the_mcp_endpoint_may_be_named_or_implied(given: str, endpoint: str):
    assert load(AgentSettings, {"MCP_SERVER_URL": given}).mcp_endpoint == endpoint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_GATEWAY_URL", "localhost:8003"),
        ("MCP_SERVER_URL", "ftp://x"),
        ("MCP_SERVER_URL", "https://"),
        ("LLM_GATEWAY_URL", "http://gateway:port"),
        ("LLM_GATEWAY_URL", "http://gateway/?a=b"),
        ("LLM_GATEWAY_API_KEY", "clé"),
        ("TOOLBOX_API_KEY", "one\ntwo"),
        ("MAX_STEPS", "0"),
        ("MAX_STEPS", "many"),
        ("RUN_TIMEOUT_SECONDS", "0"),
        ("TOOL_TIMEOUT_SECONDS", "-1"),
        ("MAX_INPUT_CHARS", "0"),
    ],
)
def test_a_value_that_does_not_parse_names_its_variable(name: str, value: str):
    with pytest.raises(SettingsError, match=name):
        load(AgentSettings, {name: value})


def test_empty_is_unset():
    assert load(AgentSettings, {"DEFAULT_MODEL": " ", "LLM_GATEWAY_API_KEY": ""}).llm_gateway_api_key is None
