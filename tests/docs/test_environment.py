"""`.env.example` names every variable that is read, with its default and a comment, and no other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from agent_http.settings import HttpAgentSettings
from agent_websocket.settings import WebSocketAgentSettings
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import ServiceSettings, load

from tests.docs.repository import ROOT

# The order matters for PORT alone: in a shared file it is the gateway's.
SETTINGS: tuple[type[ServiceSettings], ...] = (
    GatewaySettings, ToolboxSettings, HttpAgentSettings, WebSocketAgentSettings,
)  # fmt: skip
CATALOG_FILE = ROOT / "llm-gateway/src/llm_gateway/catalog/catalog.yaml"
CATALOG = CATALOG_FILE.read_text()
CHAT = (ROOT / "agent-websocket/src/agent_websocket/chat/__main__.py").read_text()
UP = (ROOT / "scripts/suite_plan.py").read_text()
UP_DEFAULTS = {"TOOLBOX_PORT": "8000", "AGENT_HTTP_PORT": "8001", "AGENT_WS_PORT": "8002", "LOCAL_MODEL_PORT": "8004"}


@dataclass(frozen=True)
class Example:
    """One line of the file; `explained` when its paragraph, or its section's title for a provider, says what it is."""

    name: str
    value: str
    explained: bool


def _examples() -> dict[str, Example]:
    found: dict[str, Example] = {}
    section = ""
    for paragraph in (ROOT / ".env.example").read_text().split("\n\n"):
        explained = False
        for line in paragraph.splitlines():
            if heading := re.match(r"# --- (.*?) -+$", line):
                section = heading[1]
            elif variable := re.fullmatch(r"# ([A-Z][A-Z0-9_]*)=(.*)", line):
                known = explained or section.startswith("Providers")
                assert variable[1] not in found, f"{variable[1]} stands there twice"
                found[variable[1]] = Example(variable[1], variable[2], known)
            else:
                explained = True
    return found


EXAMPLES = _examples()


DIFFERING = {"PORT", "MAX_BODY_BYTES"}


def _of_settings() -> dict[str, list[tuple[type[ServiceSettings], str, Any]]]:
    found: dict[str, list[tuple[type[ServiceSettings], str, Any]]] = {}
    for settings in SETTINGS:
        for name, field in settings.model_fields.items():
            assert field.alias, f"{settings.__name__}.{name} has no variable"
            found.setdefault(field.alias, []).append((settings, name, field.default))
    return found


def _of_catalog() -> set[str]:
    named = set(re.findall(r"^\s+\w*_variable: (\w+)", CATALOG, re.MULTILINE))
    return named | set(re.findall(r"\$\{(\w+)", CATALOG))


def _of_programs() -> set[str]:
    """What `make up` and `make chat` read beside the services; LANG is the terminal's own."""
    return set(re.findall(r"""(?:environ\.get\(|_port\(environ, )"([A-Z_]+)\"""", UP + CHAT)) - {"LANG"}


def test_every_variable_that_is_read_is_there():
    read = set(_of_settings()) | _of_catalog() | _of_programs()
    assert len(read) > 80  # what finds them still finds them
    assert read - set(EXAMPLES) == set()


def test_nothing_else_is_there():
    assert set(EXAMPLES) - set(_of_settings()) - _of_catalog() - _of_programs() == set()


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=lambda one: one.name)
def test_each_is_explained(example: Example):
    assert example.explained


@pytest.mark.parametrize("variable", _of_settings())
def test_what_it_states_is_the_default(variable: str):
    # HOST and the like are in all four; some differ, and the file states the first one's.
    for settings, name, default in _of_settings()[variable][: 1 if variable in DIFFERING else None]:
        stated = EXAMPLES[variable].value
        if stated and default is not None:  # where there is no default, it states an example
            assert getattr(load(settings, {variable: stated}), name) == default
        elif not stated:
            assert default in (None, "", (), {})


def test_the_ports_of_make_up():
    assert {name: EXAMPLES[name].value for name in UP_DEFAULTS} == UP_DEFAULTS
    for name, default in UP_DEFAULTS.items():
        assert f'_port(environ, "{name}", {default})' in UP


def test_the_catalogs_defaults():
    document = yaml.safe_load(CATALOG)
    providers = document["providers"]
    rows = list(providers.values()) if isinstance(providers, dict) else providers
    for row in rows:
        stated = EXAMPLES[row["base_url_variable"]].value if "base_url_variable" in row else ""
        if stated and row.get("base_url"):
            assert stated == row["base_url"]
    for variable, default in re.findall(r"\$\{(\w+):-([^}]*)\}", CATALOG):
        assert EXAMPLES[variable].value == default
    for model in document["models"]:
        if isinstance(model, dict) and "id_variable" in model:
            assert EXAMPLES[model["id_variable"]].value == model["id"]


def test_the_whole_file_uncommented_is_a_configuration():
    environ = {one.name: one.value for one in EXAMPLES.values()}
    for settings in SETTINGS:
        load(settings, environ)
    assert load_catalog(load(GatewaySettings, environ), environ, None)
