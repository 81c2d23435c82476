"""`make up` and Compose hand the variables of `.env.example` to the same services, secrets above all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compose.test_compose_file import SERVICES, SETTINGS, environment
from tests.scripts.loading import script

ROOT = Path(__file__).parents[2]
PLAN = script("suite_plan")
IN_PLAN = {"toolbox": "mcp-toolbox"}
"""What `make up` calls a service otherwise than Compose."""
EXAMPLES = dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
SECRET = re.compile(r"_KEYS?$|TOKEN|PASSWORD|SECRET|POSTGRES_URL|BEARER")
SECRETS = {name for name in EXAMPLES if SECRET.search(name) and name not in {"MAX_TOKENS", "OAUTH_RESOURCE_URL"}}
# Where a process on this machine and a container have to differ, one of the two sets it.
FIXED = {"HOST", "PORT", "METRICS_PORT", "TOOLBOX_PORT", "AGENT_HTTP_PORT", "AGENT_WS_PORT", "LOCAL_MODEL_PORT"} | {
    *("LOG_FORMAT", "ALLOW_OPEN", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "TOOLBOX_DB"),
    *("HTTP_PORT", "GRPC_PORT"),
    *("LLM_GATEWAY_URL", "MCP_SERVER_URL", "LOCAL_MODEL_PATH", "LOCAL_MODEL_URL"),
}
# What any program takes is of the machine, and there is another one in a container.
VALUES = {name: f"value-of-{name}" for name in EXAMPLES if name not in FIXED and not PLAN._is_any_programs(name)}


def given_by_up(service: str) -> set[str]:
    found = {one.name: one.environment for one in PLAN.plan(VALUES)}[IN_PLAN.get(service, service)]
    return {name for name, value in VALUES.items() if found.get(name) == value}


def given_by_compose(service: str) -> set[str]:
    found = environment(service, VALUES)
    return {name for name, value in VALUES.items() if found.get(name) == value}


def test_there_are_secrets_to_look_at():
    assert {"OPENAI_API_KEY", "API_KEYS", "ODOO_PASSWORD", "AWS_SECRET_ACCESS_KEY", "POSTGRES_URL"} <= SECRETS
    assert len(SECRETS) > 20


@pytest.mark.parametrize("service", SERVICES)
def test_both_give_a_service_the_same_secrets(service: str):
    assert given_by_up(service) & SECRETS == given_by_compose(service) & SECRETS


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "llm-gateway"])
def test_both_give_a_service_what_it_reads_and_nothing_else(service: str):
    read = {str(field.alias) for field in SETTINGS[service].model_fields.values()}
    if service == "toolbox":
        read |= PLAN._PROXIES
    assert given_by_up(service) == given_by_compose(service) == read & VALUES.keys()


def test_both_give_the_gateway_all_that_it_may_read():
    theirs = {str(field.alias) for name in SERVICES for field in SETTINGS[name].model_fields.values()}
    own = {str(field.alias) for field in SETTINGS["llm-gateway"].model_fields.values()}
    providers = VALUES.keys() - theirs - {"AGENT_API_KEY"}
    both = given_by_up("llm-gateway") & given_by_compose("llm-gateway")
    assert providers | (own & VALUES.keys()) <= both
