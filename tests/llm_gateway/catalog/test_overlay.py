"""An operator's file over the built-in catalog."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from llm_gateway.app import from_environment
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model, SystemPrompt
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.errors import ModelNotFound
from llm_gateway.settings import GatewaySettings
from service_kit.settings import SettingsError, load

from tests.llm_gateway.catalog.reading import builtin, read, refused

BUILTIN = builtin()


def changed(model: Model, **fields: object) -> Model:
    return msgspec.structs.replace(model, **fields)


def test_an_empty_overlay_changes_nothing(tmp_path: Path):
    for text in ("extends: builtin\n", "providers: {}\n", "models: []\n", "retired: {}\n"):
        found = read(tmp_path, text)
        assert found.models == BUILTIN.models and found.endpoints == BUILTIN.endpoints
        assert found.default == BUILTIN.default


def test_a_row_changes_only_the_fields_that_it_names(tmp_path: Path):
    found = read(tmp_path, "models:\n  - {name: gpt-4o, tags: [fast, eu], max_output_tokens: 99}\n")
    before = BUILTIN.models["gpt-4o"]
    assert found.models["gpt-4o"] == changed(before, tags=("fast", "eu"), max_output_tokens=99)
    others = [name for name in BUILTIN.models if name != "gpt-4o"]
    assert all(found.models[name] == BUILTIN.models[name] for name in others)
    assert list(found.models) == list(BUILTIN.models), "it stays in its place"


def test_a_new_row_is_added_behind_the_others(tmp_path: Path):
    text = """\
providers:
  mine: {base_url: "http://127.0.0.1:9/v1", free: true}
models:
  - {name: house, provider: mine, id: h-1, aliases: [home], fallbacks: [gpt-4o]}
"""
    found = read(tmp_path, text)
    assert list(found.models) == [*BUILTIN.models, "house"]
    assert found.resolve("home").id == "h-1" and found.resolve("mine/x").available
    assert found.default == "house", "the only provider that is configured"


def test_null_removes_a_field(tmp_path: Path):
    assert BUILTIN.models["gpt-4o"].description and BUILTIN.models["gpt-4o"].context_window
    found = read(tmp_path, "models:\n  - {name: gpt-4o, description: null, context_window: null, tags: null}\n")
    assert found.models["gpt-4o"] == changed(
        BUILTIN.models["gpt-4o"], description="gpt-4o on openai", context_window=None
    )


def test_maps_within_a_row_are_changed_by_field_too(tmp_path: Path):
    text = """\
providers:
  anthropic: {headers: {x-team: blue}}
  openrouter: {extra_body: {provider: {sort: price}, usage: null}}
models:
  - {name: gpt-4o, timeouts: {idle: 9}}
"""
    found = read(tmp_path, text)
    assert found.endpoints["anthropic"].headers == {"anthropic-version": "2023-06-01", "x-team": "blue"}
    assert found.endpoints["openrouter"].extra_body == {"provider": {"sort": "price"}, "usage": None}, "sent as it is"
    assert found.models["gpt-4o"].timeouts == changed_timeouts(idle=9)
    bare = read(tmp_path, "providers: {anthropic: {headers: {anthropic-version: null}}}\n")
    assert bare.endpoints["anthropic"].headers == {}


def changed_timeouts(**fields: float):
    return msgspec.structs.replace(BUILTIN.models["gpt-4o"].timeouts, **fields)


def test_a_provider_changes_only_the_fields_that_it_names(tmp_path: Path):
    found = read(tmp_path, "providers: {openai: {base_url: 'https://proxy.test/v1'}}\n", OPENAI_API_KEY="k")
    before = builtin(OPENAI_API_KEY="k").endpoints["openai"]
    assert found.endpoints["openai"] == msgspec.structs.replace(before, base_url="https://proxy.test/v1")


def test_deployments_stand_in_place_of_a_provider_and_the_other_way_round(tmp_path: Path):
    text = "models:\n  - {name: gpt-4o, deployments: [{provider: openai, id: a}, {provider: azure, id: b}]}\n"
    both = {"OPENAI_API_KEY": "k", "AZURE_API_KEY": "k", "AZURE_ENDPOINT": "http://127.0.0.1:9"}
    found = read(tmp_path, text, **both, OPENAI_DEFAULT_MODEL="not-this").models["gpt-4o"]
    assert [(one.provider, one.id) for one in found.deployments] == [("openai", "a"), ("azure", "b")]
    assert found.context_window == BUILTIN.models["gpt-4o"].context_window


# --- what is gone ---


def test_a_model_is_removed_and_nothing_built_in_falls_back_on_it(tmp_path: Path):
    found = read(tmp_path, "models:\n  - gpt-4o: null\n  - gemini-pro: null\n")
    assert set(BUILTIN.models) - set(found.models) == {"gpt-4o", "gemini-pro"}
    for model in found.models.values():
        assert not {"gpt-4o", "gemini-pro"} & {*model.fallbacks, *model.context_window_fallbacks}
    with pytest.raises(ModelNotFound):
        found.resolve("gemini-pro")


def test_a_provider_is_removed_with_its_models(tmp_path: Path):
    found = read(tmp_path, "providers: {openai: null}\n", OPENAI_API_KEY="k")
    assert "openai" not in found.endpoints and not found.configured
    assert all(model.provider != "openai" for model in found.models.values())
    with pytest.raises(ModelNotFound):
        found.resolve("openai/gpt-4o")
    moved = read(tmp_path, "providers: {openai: null}\nmodels: [{name: gpt-4o, provider: azure, id: my-4o}]\n")
    assert moved.resolve("gpt-4o").id == "my-4o"


def test_a_retired_id_is_brought_back(tmp_path: Path):
    text = "retired: {old-one: gpt-4o, gemini-1.5-flash: null}\n"
    assert BUILTIN.resolve("google/gemini-1.5-flash").id != "gemini-1.5-flash"
    found = read(tmp_path, text)
    assert found.resolve("google/gemini-1.5-flash").id == "gemini-1.5-flash"
    assert found.resolve("old-one").name == "gpt-4o"


def test_extends_nothing_starts_empty(tmp_path: Path):
    text = """\
extends: nothing
providers:
  mine: {base_url: "http://127.0.0.1:9/v1"}
  offline: {dialect: offline, free: true}
models:
  - {name: house, provider: mine, id: h-1}
  - {name: offline, provider: offline, id: p}
"""
    found = read(tmp_path, text)
    assert set(found.models) == {"house", "offline"} and set(found.endpoints) == {"mine", "offline"}
    with pytest.raises(ModelNotFound):
        found.resolve("gpt-4o")
    assert "there is no model 'gpt-4o' to remove" in refused(tmp_path, text + "  - gpt-4o: null\n")


# --- names ---


def test_an_operators_alias_comes_before_a_built_in_one(tmp_path: Path):
    both = {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "us-east-1"}
    mine = "providers: {mine: {base_url: 'http://127.0.0.1:9/v1'}}\nmodels: [{name: m, provider: mine, id: i%s}]\n"
    assert read(tmp_path, mine % "", **both).resolve("nova-lite").provider == "aws"
    assert read(tmp_path, mine % ", aliases: [nova-lite]", **both).resolve("nova-lite").name == "m"


# --- system prompts and tags ---


def test_a_system_prompt_has_a_mode(tmp_path: Path):
    def prompt(text: str) -> SystemPrompt | None:
        row = f"models:\n  - name: gpt-4o\n    system_prompt: {text}\n"
        return read(tmp_path, row).models["gpt-4o"].system_prompt

    assert prompt("{text: Hola}") == SystemPrompt("Hola", "default")
    assert prompt("{mode: replace, text: Hola}") == SystemPrompt("Hola", "replace")
    assert prompt("null") is None


def test_the_example_in_the_documentation_works(tmp_path: Path):
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")
    [example] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "system_prompt" in block]
    found = read(tmp_path, example, OPENAI_API_KEY="a", OPENAI_API_KEY_2="b", MINE_KEY="c")
    assert len(found.models["gpt-4o"].deployments) == 2 and found.models["gpt-4o"].tags == ("default", "eu")
    assert [model.name for model in found.route("house").targets] == ["house", "gpt-4o"]
    assert "gemini-pro" not in found.models and "groq" not in found.endpoints


# --- mistakes ---

GOOD = """\
providers:
  openai:
    keys: [A_KEY, B_KEY]
models:
  - name: gpt-4o
    tags: [fast]
    system_prompt: {mode: prepend, text: Hola}
  - {name: house, provider: azure, id: h-1}
  - gemini-pro: null
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("    tags: [fast]", "    hooks: [redact]", 6, "model 'gpt-4o': Object contains unknown field `hooks`"),
        ("    keys: [A_KEY, B_KEY]", "    hooks: {}", 3, "provider 'openai': Object contains unknown field `hooks`"),
        ("providers:", "hooks: {}\nproviders:", 1, "hooks"),
        ("providers:", "extends: everything\nproviders:", 1, "everything"),
        ("tags: [fast]", "tags: fast", 6, "Expected `array`"),
        ("tags: [fast]", "tags: [fast, 7]", 6, "Expected `str`"),
        ("tags: [fast]", "tags: ['']", 6, "length >= 1"),
        ("tags: [fast]", "tag: [fast]", 6, "tag"),
        ("mode: prepend", "mode: append", 7, "append"),
        (", text: Hola", "", 7, "model 'gpt-4o': Object missing required field `text`"),
        ("text: Hola", "text: ''", 7, "length >= 1"),
        ("text: Hola", "text: Hola, role: user", 7, "role"),
        ("{mode: prepend, text: Hola}", "Hola", 7, "Expected `object | null`"),
        ("keys: [A_KEY, B_KEY]", "keys: [A_KEY, A_KEY]", 3, "'A_KEY' is there twice"),
        ("keys: [A_KEY, B_KEY]", "keys: []", 3, "length >= 1"),
        ("keys: [A_KEY, B_KEY]", "keys: A_KEY", 3, "Expected `array`"),
        ("keys: [A_KEY, B_KEY]", "keys: [A_KEY, '']", 3, "length >= 1"),
        ("keys: [A_KEY, B_KEY]", "keys: [A_KEY]\n    key_variable: B_KEY", 3, "in place of key_variable"),
        ("name: house, provider: azure", "name: house, provider: nowhere", 8, "there is no provider 'nowhere'"),
        (", id: h-1", "", 8, "model 'house': it needs a provider and an id"),
        ("name: house", "name: gpt-4o", 8, "the name 'gpt-4o' is there twice"),
        ("name: house", "name: 7", 8, "Expected `str`"),
        ("name: house, ", "", 8, "a model needs a name"),
        ("name: house", "name: null", 8, "a model needs a name"),
        ("{name: house, provider: azure, id: h-1}", "house", 8, "Expected `object`"),
        ("id: h-1", "id: h-1, fallbacks: [gemini-pro]", 8, "there is no model 'gemini-pro'"),
        ("gemini-pro: null", "gemini-pro: null\n  - gemini-pro: null", 10, "to remove"),
        ("gemini-pro: null", "gemini-pro: null\n  - {name: gemini-pro, tags: [a]}", 10, "is there twice"),
        ("gemini-pro: null", "gemini-por: null", 9, "there is no model 'gemini-por' to remove"),
        ("gemini-pro: null", "name: null", 9, "`NAME: null`"),
        ("  openai:\n    keys: [A_KEY, B_KEY]", "  openia: null", 2, "there is no provider 'openia' to remove"),
        ("  openai:\n    keys: [A_KEY, B_KEY]", "  openai: 7", 2, "provider 'openai': Expected `object`"),
        ("  openai:\n    keys: [A_KEY, B_KEY]", "  my.own: {base_urls: x}", 2, "base_urls"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line(tmp_path: Path, old: str, new: str, line: int, why: str):
    read(tmp_path, GOOD)
    assert GOOD.count(old) == 1
    message = refused(tmp_path, GOOD.replace(old, new))
    assert message.startswith(f":{line}: ") and why in message, message


@pytest.mark.parametrize("text", ["retired: {a: 7}", "retired: {7: a}", "providers: {7: {}}", "models: [{7: a}]"])
def test_names_are_words(tmp_path: Path, text: str):
    message = refused(tmp_path, text)
    assert message.startswith(":1: ") and "Expected `str`" in message, message


def test_a_mistake_keeps_the_last_good_file_in_force(tmp_path: Path):
    read(tmp_path, GOOD)
    path = tmp_path / "catalog.yaml"
    holder = CatalogHolder(lambda: load_catalog(load(GatewaySettings, {}), {}, path), path)
    for mistake in ("hooks: [redact]", "tags: fast", "fallbacks: [gemini-pro]"):
        path.write_text(GOOD.replace("tags: [fast]", mistake), encoding="utf-8")
        assert holder.check() is False
        assert holder.error and holder.error.startswith(f"{path}:6: model 'gpt-4o': ")
        assert holder.current().models["gpt-4o"].tags == ("fast",)
    path.write_text(GOOD.replace("tags: [fast]", "tags: [slow]"), encoding="utf-8")
    assert holder.check() is True and holder.error is None
    assert holder.current().models["gpt-4o"].tags == ("slow",)


def test_a_mistake_at_the_start_keeps_the_service_from_starting(tmp_path: Path):
    path = tmp_path / "catalog.yaml"
    path.write_text(GOOD.replace("tags: [fast]", "hooks: [redact]"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"CATALOG_FILE: .*catalog\.yaml:6: model 'gpt-4o': .*hooks"):
        from_environment({"CATALOG_FILE": str(path)})


def test_embeddings_have_no_system_prompt(tmp_path: Path):
    text = "models:\n  - {name: openai/text-embedding-3-small, system_prompt: {text: Hola}}\n"
    assert "which have no system prompt" in refused(tmp_path, text)


def test_a_bottomless_file_is_refused(tmp_path: Path):
    deep = "{a: " * 2000 + "b" + "}" * 2000
    assert "nested too deeply" in refused(tmp_path, f"providers: {{openai: {{headers: {deep}}}}}\n")


def test_a_field_that_is_there_twice_is_told(tmp_path: Path):
    found = read(tmp_path, "models:\n  - name: gpt-4o\n    tags: [a]\n    tags: [b]\n")
    [warning] = found.warnings
    assert warning.endswith("catalog.yaml:4: 'tags' is there twice; the last one counts")


@pytest.mark.parametrize("text", ["models: " + "[" * 50_000, "{a: " * 30_000, "- " * 20_000])
def test_nesting_that_would_take_the_parsers_stack_is_refused(tmp_path: Path, text: str):
    assert "nested too deeply" in refused(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [" + "x, " * 9 + "]\n" + "".join(f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in pairwise("abcdefghi")),
        "a: &a {k: 1}\n" + "".join(f"{b}: &{b} {{x: *{a}, y: *{a}}}\n" for a, b in pairwise("abcdefghijklmnopqrstuv")),
    ],
)
def test_aliases_that_stand_for_billions_of_values_are_refused(tmp_path: Path, text: str):
    assert "it stands for more than" in refused(tmp_path, text)


@pytest.mark.parametrize("text", ["models: &m [*m]", "&p {providers: *p}", "<<: &x {<<: *x}"])
def test_a_file_that_holds_itself_is_refused(tmp_path: Path, text: str):
    assert refused(tmp_path, text).startswith(":1: it holds itself")


@pytest.mark.parametrize("value", ["2026-99-99", "!!int ''", "!!float x", "!!bool x", "9" * 5_000])
def test_a_value_that_has_the_form_of_a_type_and_is_none_is_named_by_its_line(tmp_path: Path, value: str):
    assert refused(tmp_path, f"models:\n  - name: gpt-4o\n    tags: [{value}]\n").startswith(":3: this is not a value")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path):
    assert "larger than" in refused(tmp_path, "#" + "x" * 5_000_000)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None]):
    path = tmp_path / "catalog.yaml"
    make(path)
    with pytest.raises(SettingsError, match=r"CATALOG_FILE: .*not a file"):
        from_environment({"CATALOG_FILE": str(path)})
