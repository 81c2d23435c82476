from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Usage
from llm_gateway.canonical.cost import UNKNOWN
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import FREE, Rate, Rates, Tier, cost, rates_of
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

CATALOG = load_catalog(load(GatewaySettings, {}), {})
PRICED = [model for model in CATALOG.models.values() if model.rates not in (None, FREE)]
NOW = datetime.now(UTC)


def test_most_models_have_a_price():
    assert len(PRICED) >= 25
    assert {model.provider for model in PRICED} >= {"aws", "openai", "google", "azure", "anthropic"}


@pytest.mark.parametrize("model", PRICED, ids=lambda model: model.name)
@pytest.mark.parametrize(
    ("prompt", "cached", "completion"), [(1000, 0, 500), (1, 0, 0), (12_345, 10_000, 6_789), (300_000, 250_000, 50_000)]
)
def test_a_cost_is_what_genai_prices_computes(model: Model, prompt: int, cached: int, completion: int):
    if model.rates and model.rates.output is None:
        completion = 0  # it gives vectors, and says nothing
    theirs = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=prompt, cache_read_tokens=cached, output_tokens=completion),
        model_ref=model.id,
        provider_id=model.endpoint.prices,
        genai_request_timestamp=NOW,
    )
    ours = cost(Usage(prompt_tokens=prompt, cached_tokens=cached, completion_tokens=completion), model.rates)
    assert ours.usd is not None and ours.source == "computed"
    assert abs(ours.usd - theirs.total_price) < Decimal("0.000001")
    assert sum(ours.items.values()) == ours.usd


RATES = Rates(
    input=Rate(Decimal("2.5"), (Tier(1000, Decimal(5)),)), output=Rate(Decimal(10)), cached_input=Rate(Decimal("0.25"))
)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6))
def test_the_parts_sum_and_no_token_is_billed_twice(fresh: int, cached: int, said: int, audio: int):
    usage = Usage(
        prompt_tokens=fresh + cached + audio, cached_tokens=cached, completion_tokens=said, audio_prompt_tokens=audio
    )
    price = cost(usage, Rates(input=Rate(Decimal(3)), output=Rate(Decimal(7)), cached_input=Rate(Decimal(1))))
    assert price.usd == sum(price.items.values())
    assert price.usd == (3 * (fresh + audio) + cached + 7 * said) * Decimal("0.000001")


def test_a_long_prompt_costs_its_tier_for_the_whole_call():
    assert cost(Usage(prompt_tokens=1000), RATES).usd == Decimal("0.0025")
    assert cost(Usage(prompt_tokens=1001), RATES).usd == Decimal("0.005005")


def test_cached_tokens_cost_less_and_are_shown():
    price = cost(Usage(prompt_tokens=1000, cached_tokens=800, completion_tokens=10), RATES)
    assert price.items == {
        "input": Decimal("0.0005"), "cached_input": Decimal("0.0002"), "output": Decimal("0.0001"),
    }  # fmt: skip


def test_more_cached_than_prompt_tokens_never_costs_less_than_nothing():
    price = cost(Usage(prompt_tokens=5, cached_tokens=10), RATES)
    assert price.usd is not None and price.usd > 0 and "input" not in price.items


def test_what_the_provider_reported_wins():
    price = cost(Usage(prompt_tokens=1000, cost_usd=Decimal("0.07")), RATES)
    assert (price.usd, price.source) == (Decimal("0.07"), "reported")
    assert sum(price.items.values()) == price.usd
    assert cost(Usage(cost_usd=Decimal(0)), None).usd == 0


def test_an_unknown_price_is_never_zero():
    assert cost(Usage(prompt_tokens=1000), None) == UNKNOWN
    assert cost(None, RATES) == UNKNOWN
    assert UNKNOWN.usd is None


def test_free_is_zero_and_known():
    assert cost(Usage(prompt_tokens=1000), FREE).usd == 0
    assert cost(Usage(prompt_tokens=1000), FREE).source == "computed"


def test_a_guess_says_so():
    assert cost(Usage(prompt_tokens=1000, estimated=True), RATES).source == "estimated"


def test_unknown_models_have_no_rates():
    assert rates_of("openai", "no-such-model-anywhere") is None
    assert rates_of("no-such-provider", "gpt-4o") is None


def test_a_model_that_only_reads_has_a_price_until_it_says_something():
    rates = rates_of("openai", "text-embedding-3-small")
    assert rates is not None and rates.output is None
    assert cost(Usage(prompt_tokens=1_000_000), rates).usd == rates.input.base
    assert cost(Usage(prompt_tokens=1, completion_tokens=1), rates) == UNKNOWN


# --- what was served otherwise than usual ---

MTOK = 1_000_000


@pytest.mark.parametrize(
    ("provider", "model", "modifiers", "factor"),
    [
        ("openai", "gpt-5", ("service_tier=flex",), "0.5"),
        ("anthropic", "claude-opus-4-6", ("speed=fast",), "6"),
        ("anthropic", "claude-opus-4-6", ("inference_geo=us",), "1.1"),
        ("anthropic", "claude-opus-4-6", ("speed=fast", "inference_geo=us"), "6.6"),
    ],
)
def test_a_known_factor_scales_the_cost(provider: str, model: str, modifiers: tuple[str, ...], factor: str):
    rates = rates_of(provider, model)
    usual = cost(Usage(prompt_tokens=MTOK), rates)
    served = cost(Usage(prompt_tokens=MTOK, modifiers=modifiers), rates)
    assert usual.usd and served.usd == usual.usd * Decimal(factor) and served.source == "computed"
    assert sum(served.items.values()) == served.usd


@pytest.mark.parametrize(
    ("provider", "model", "modifiers"),
    [
        ("openai", "gpt-5", ("service_tier=priority",)),
        ("groq", "llama-3.3-70b-versatile", ("service_tier=flex",)),
        ("anthropic", "claude-opus-4-6", ("web_search_requests",)),
    ],
)
def test_what_has_no_known_price_makes_an_estimate(provider: str, model: str, modifiers: tuple[str, ...]):
    rates = rates_of(provider, model)
    usual, served = (cost(Usage(prompt_tokens=MTOK, modifiers=told), rates) for told in ((), modifiers))
    assert usual.source == "computed" and (served.usd, served.source) == (usual.usd, "estimated")


def test_what_is_free_or_reported_stays_so():
    flex = Usage(prompt_tokens=MTOK, modifiers=("service_tier=flex",))
    assert cost(flex, FREE).source == "computed"
    reported = Usage(prompt_tokens=MTOK, modifiers=("service_tier=flex",), cost_usd=Decimal(3))
    assert (cost(reported, None).usd, cost(reported, None).source) == (Decimal(3), "reported")
