from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from llm_gateway.catalog import Catalog
from llm_gateway.catalog_file import CatalogError, load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

GOOD = """\
providers:
  mine:
    base_url: http://127.0.0.1:9/v1
    headers: {x-team: "${TEAM:-none}"}
    max_tokens_field: max_completion_tokens
  offline: {dialect: offline, free: true}
models:
  - name: one
    provider: mine
    id: m-1
    aliases: [uno]
    fallbacks: [two, mine/m-9]
    price: {input_usd_per_mtok: 1.1, output_usd_per_mtok: 2, cached_input_usd_per_mtok: 0.1}
    timeouts: {first_token: 3}
  - {name: two, provider: mine, id: m-2}
  - {name: offline, provider: offline, id: p}
retired: {m-0: m-1}
"""


def read(tmp_path: Path, text: str, **environ: str) -> Catalog:
    path = tmp_path / "catalog.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(load(GatewaySettings, environ), environ, path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "catalog.yaml"))
    return message.removeprefix(str(tmp_path / "catalog.yaml"))


def test_a_file_becomes_a_catalogue(tmp_path: Path):
    found = read(tmp_path, GOOD, TEAM="blue", UPSTREAM_IDLE_TIMEOUT="7")
    one = found.resolve("uno")
    assert (one.name, one.id, one.fallbacks) == ("one", "m-1", ("two", "mine/m-9"))
    assert [model.name for model in found.route("one").targets] == ["one", "two", "mine/m-9"]
    assert one.endpoint.headers == {"x-team": "blue"}
    assert (one.timeouts.first_token, one.timeouts.idle) == (3, 7)
    assert one.rates and str(one.rates.input.base) == "1.1" and one.rates.cached_input
    assert found.resolve("two").rates is None
    assert found.resolve("mine/m-0").id == "m-1"
    assert read(tmp_path, GOOD).resolve("one").endpoint.headers == {"x-team": "none"}


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("  - name: one", "  - name: one: two", 8, "mapping values"),
        ("    provider: mine", "    provider: {", 11, "expected"),
        ("    provider: mine", "   provider: mine", 9, ""),
        ("    provider: mine", "    provider: theirs", 9, "there is no provider 'theirs'"),
        ("    provider: mine", "    provider: 7", 9, "Expected `str | null`"),
        ("    id: m-1", "    ids: m-1", 10, "ids"),
        ("name: two,", "name: one,", 15, "the name 'one' is there twice"),
        ("fallbacks: [two, mine/m-9]", "fallbacks: [two, three]", 12, "there is no model 'three'"),
        ("output_usd_per_mtok: 2,", "output_usd_per_mtok: two,", 13, "Expected `float`"),
        ("input_usd_per_mtok: 1.1", "input_usd_per_mtok: -1", 13, ""),
        ("input_usd_per_mtok: 1.1", "input_usd_per_mtok: .nan", 13, ""),
        ("first_token: 3", "first_tokens: 3", 14, "first_tokens"),
        ("first_token: 3", "first_token: 0", 14, ""),
        ("    max_tokens_field: max_completion_tokens", "    max_tokens_fields: x", 5, "max_tokens_fields"),
        ("    base_url: http://127.0.0.1:9/v1", "    base_url: [1]", 3, "Expected `str"),
        ("dialect: offline", "dialect: telepathy", 6, "telepathy"),
        ("retired: {m-0: m-1}", "retire: {m-0: m-1}", 17, "retire"),
        ("retired: {m-0: m-1}", "retired: [m-0]", 17, "Expected `object`"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line(tmp_path: Path, old: str, new: str, line: int, why: str):
    assert GOOD.count(old) == 1
    message = refused(tmp_path, GOOD.replace(old, new))
    assert message.startswith(f":{line}: "), message
    assert why in message


def test_the_planner_must_stay(tmp_path: Path):
    assert "'offline' must stay" in refused(tmp_path, GOOD.replace("name: offline", "name: other"))


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "[]", "7", "providers: {}", "models: []\nproviders: {}\n", "\t", "a: &a [*a]"]
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str):
    assert refused(tmp_path, text).startswith(":1: ")


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(CatalogError, match=r"missing\.yaml"):
        load_catalog(load(GatewaySettings, {}), {}, tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xf1")
    with pytest.raises(CatalogError, match=r"latin\.yaml"):
        load_catalog(load(GatewaySettings, {}), {}, tmp_path / "latin.yaml")


def test_a_copy_of_the_built_in_catalogue_is_the_same(tmp_path: Path):
    text = files("llm_gateway").joinpath("catalog.yaml").read_text(encoding="utf-8")
    assert read(tmp_path, text).models == load_catalog(load(GatewaySettings, {}), {}).models
