from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from llm_gateway.catalog.document import CatalogError
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

from tests.llm_gateway.catalog.reading import read, refused

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


def test_a_file_becomes_a_catalog(tmp_path: Path):
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
    without = "extends: nothing\n" + GOOD.replace("name: offline", "name: other")
    assert "'offline' must stay" in refused(tmp_path, without)
    assert "'offline' must stay" in refused(tmp_path, "models: [offline: null]\n")
    assert "'offline' must stay" in refused(tmp_path, "providers: {offline: null}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "[]",
        "7",
        "extends: nothing",
        "models: []\nextends: nothing\n",
        "\t",
        "a: &a [*a]",
    ],
)
def test_what_is_no_catalog_is_refused(tmp_path: Path, text: str):
    assert refused(tmp_path, text).startswith(":1: ")


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(CatalogError, match=r"missing\.yaml"):
        load_catalog(load(GatewaySettings, {}), {}, tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xf1")
    with pytest.raises(CatalogError, match=r"latin\.yaml"):
        load_catalog(load(GatewaySettings, {}), {}, tmp_path / "latin.yaml")


def test_a_copy_of_the_built_in_catalog_is_the_same(tmp_path: Path):
    text = files("llm_gateway.catalog").joinpath("catalog.yaml").read_text(encoding="utf-8")
    assert read(tmp_path, text).models == load_catalog(load(GatewaySettings, {}), {}).models


ROUTED = """\
providers:
  here: {base_url: "http://127.0.0.1:9/v1", lacks: [seed]}
  there: {base_url: "http://127.0.0.1:8/v1", key_variable: THERE_KEY, drop_params: all}
  offline: {dialect: offline, free: true}
models:
  - name: chat
    deployments:
      - {provider: here, id: c-1, weight: 3}
      - {provider: there, id: c-2, price: {input_usd_per_mtok: 5, output_usd_per_mtok: 6}}
    strategy: least_latency
    retries: 1
    lacks: [top_p]
    drop_params: [tools]
    safe_stream: hold
    price: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}
    fallbacks: [other]
    context_window_fallbacks: [long, here/l-9]
    content_filter_fallbacks: [other]
  - {name: other, provider: here, id: o-1, fallbacks: [chat, other]}
  - {name: long, provider: there, id: l-1}
  - {name: offline, provider: offline, id: p}
"""


def test_a_model_with_several_deployments(tmp_path: Path):
    chat = read(tmp_path, ROUTED, THERE_KEY="k").resolve("chat")
    assert [(one.name, one.provider, one.id, one.weight) for one in chat.deployments] == [
        ("chat", "here", "c-1", 3), ("chat", "there", "c-2", 1),
    ]  # fmt: skip
    assert (chat.provider, chat.id, chat.strategy, chat.retries, chat.safe_stream) == (
        "here", "c-1", "least_latency", 1, "hold",
    )  # fmt: skip
    one, two = chat.deployments
    assert one.rates and two.rates and (one.rates.input.base, two.rates.input.base) == (1, 5)
    assert (one.lacks, two.lacks) == (("seed", "top_p"), ("top_p",))
    assert one.drop_params == {"tools"} and "seed" in two.drop_params and "n" not in two.drop_params
    assert one.deployment == ("here", "http://127.0.0.1:9/v1", "c-1") != two.deployment


def test_only_what_is_configured_is_asked(tmp_path: Path):
    found = read(tmp_path, ROUTED)
    chat = found.resolve("chat")
    assert (chat.provider, chat.deployments) == ("here", ()) and chat.available
    assert [model.name for model in found.route("chat").context_window] == ["here/l-9"]
    first = ROUTED.replace("here: {base_url", "here: {key_variable: HERE_KEY, base_url")
    second = read(tmp_path, first, THERE_KEY="k").resolve("chat")
    assert (second.provider, second.id, second.deployments) == ("there", "c-2", ())
    neither = read(tmp_path, first).resolve("chat")
    assert not neither.available and neither.provider == "here"


def test_a_route_has_the_stand_ins_for_each_cause(tmp_path: Path):
    found = read(tmp_path, ROUTED, THERE_KEY="k")
    route = found.route("chat")
    assert [model.name for model in route.targets] == ["chat", "other"]
    assert [model.name for model in route.context_window] == ["long", "here/l-9"]
    assert [model.name for model in route.content_filter] == ["other"]
    assert found.route("chat") is route, "found once"
    assert [model.name for model in found.route("other").targets] == ["other", "chat"], "circles end"


def test_one_deployment_can_be_asked_for_by_name(tmp_path: Path):
    found = read(tmp_path, ROUTED, THERE_KEY="k")
    pinned = found.route("there/c-2").targets[0]
    assert (pinned.name, pinned.id, pinned.deployments) == ("chat", "c-2", ())
    assert found.route("c-2", "there").targets[0] == pinned


def test_retries_are_the_operators_unless_the_model_says(tmp_path: Path):
    found = read(tmp_path, ROUTED, THERE_KEY="k", UPSTREAM_RETRIES="4")
    assert [found.resolve(name).retries for name in ("chat", "other", "here/x-1")] == [1, 4, 4]


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("weight: 3", "weight: 0", 8, ""),
        ("weight: 3", "weight: -1", 8, ""),
        ("weight: 3", "weight: .nan", 8, ""),
        ("weight: 3", "wait: 3", 8, "wait"),
        ("provider: here, id: c-1", "provider: nowhere, id: c-1", 8, "there is no provider 'nowhere'"),
        ("strategy: least_latency", "strategy: fastest", 10, "fastest"),
        ("retries: 1", "retries: -1", 11, ""),
        ("retries: 1", "retries: 99", 11, ""),
        ("retries: 1", "retries: often", 11, ""),
        ("lacks: [top_p]", "lacks: [top_p, topp]", 12, "no optional parameter 'topp'"),
        ("lacks: [top_p]", "lacks: all", 12, ""),
        ("lacks: [seed]", "lacks: [seeds]", 2, "no optional parameter 'seeds'"),
        ("drop_params: [tools]", "drop_params: [tool]", 13, "no optional parameter 'tool'"),
        ("drop_params: [tools]", "drop_params: everything", 13, ""),
        ("drop_params: all", "drop_params: [al]", 3, "no optional parameter 'al'"),
        ("safe_stream: hold", "safe_stream: always", 14, "always"),
        ("fallbacks: [other]\n    context", "fallbacks: [others]\n    context", 16, "there is no model 'others'"),
        ("[long, here/l-9]", "[longer]", 17, "there is no model 'longer'"),
        ("content_filter_fallbacks: [other]", "content_filter_fallbacks: [o]", 18, "there is no model 'o'"),
        ("    strategy", "    provider: here\n    strategy", 10, "belongs to each of the deployments"),
        ("provider: here, id: o-1", "provider: here", 19, "needs a provider and an id, or deployments"),
        ("name: long, provider: there", "name: long", 20, "needs a provider and an id, or deployments"),
    ],
)
def test_a_mistake_in_the_routing_is_named_by_its_line(tmp_path: Path, old: str, new: str, line: int, why: str):
    assert ROUTED.count(old) == 1, old
    message = refused(tmp_path, ROUTED.replace(old, new))
    assert message.startswith(f":{line}: ") and why in message, message
