"""Every variable that a manifest sets is one that the code reads, and the code accepts what it is set to."""

import re

import pytest
import yaml
from llm_gateway.settings import GatewaySettings
from service_kit.auth.keys import key_and_roles
from service_kit.service import refuse_open_mode
from service_kit.settings import load


@pytest.fixture(scope="session")
def provider_variables(root):
    """Variables that belong to one provider: rows of the catalog name them."""
    catalog = (root / "llm-gateway/src/llm_gateway/catalog/catalog.yaml").read_text("utf-8")
    rows = yaml.safe_load(catalog)["providers"].values()
    return {value for row in rows for key, value in row.items() if key.endswith("_variable")}


def _aliases(settings):
    return {field.alias for field in settings.model_fields.values()}


def _parts(container):
    """Variables that only serve to compose others: `$(NAME)`."""
    values = [variable.get("value", "") for variable in container["env"]]
    return {name for value in values for name in re.findall(r"\$\((\w+)\)", value)}


def test_the_code_reads_every_variable_that_is_set(manifests, fit):
    container = manifests.container(fit.deployment)
    names = [variable["name"] for variable in container["env"]]
    assert len(names) == len(set(names))
    assert set(names) - _parts(container) <= _aliases(fit.settings)


def test_only_the_gateway_sees_provider_credentials(manifests, fits, secrets, provider_variables):
    assert set(secrets["mcp-providers"]) <= provider_variables | _aliases(GatewaySettings)
    holders = {
        fit.deployment for fit in fits if provider_variables & manifests.environment(fit.deployment, secrets).keys()
    }
    assert holders == {"llm-gateway"}


def test_the_settings_accept_the_environment(manifests, fit, secrets):
    settings = load(fit.settings, manifests.environment(fit.deployment, secrets))
    refuse_open_mode(settings)
    assert settings.auth_mode == "keys"
    assert settings.log_format == "json"
    assert settings.host == "0.0.0.0"
    assert settings.port == manifests.container(fit.deployment)["ports"][0]["containerPort"]
    assert settings.root_path == fit.prefix


def test_users_have_the_same_keys_everywhere(manifests, fit, secrets):
    settings = load(fit.settings, manifests.environment(fit.deployment, secrets))
    assert secrets["mcp-secrets"]["API_KEYS"] in {key.get_secret_value() for key in settings.api_keys}


@pytest.mark.parametrize(
    ("url", "key", "deployment", "service"),
    [
        ("llm_gateway_url", "llm_gateway_api_key", "llm-gateway", "llm-gateway"),
        ("mcp_server_url", "toolbox_api_key", "mcp-toolbox", "mcp-toolbox"),
    ],
)
def test_an_agent_calls_a_service_that_lets_it_in(manifests, fits, agent, secrets, url, key, deployment, service):
    (called,) = [fit for fit in fits if fit.deployment == deployment]
    theirs = load(called.settings, manifests.environment(deployment, secrets))
    ours = load(agent.settings, manifests.environment(agent.deployment, secrets))
    host = f"{service}.mcp-system.svc.cluster.local"
    assert getattr(ours, url) == f"http://{host}:{theirs.port}"
    assert host in theirs.allowed_hosts
    accepted = dict(key_and_roles(entry.get_secret_value()) for entry in theirs.api_keys)
    roles = accepted[getattr(ours, key).get_secret_value()]
    assert ("trusted" in roles) == (deployment == "llm-gateway"), "the gateway believes the agents' users"


def test_agents_answer_to_their_public_name(manifests, agent, secrets):
    settings = load(agent.settings, manifests.environment(agent.deployment, secrets))
    public = manifests.one("ConfigMap", "mcp-config")["data"]["PUBLIC_HOST"]
    assert public in settings.allowed_hosts
    assert settings.cors_allowed_origins == (f"https://{public}",)


def test_the_gateway_never_lets_the_planner_stand_in(manifests, secrets):
    settings = load(GatewaySettings, manifests.environment("llm-gateway", secrets))
    assert settings.offline_fallback == "never"


def test_every_key_of_the_config_map_is_used(manifests, fits):
    used = {
        variable["valueFrom"]["configMapKeyRef"]["key"]
        for fit in fits
        for variable in manifests.container(fit.deployment)["env"]
        if "configMapKeyRef" in variable.get("valueFrom", {})
    }
    assert used == manifests.one("ConfigMap", "mcp-config")["data"].keys()
