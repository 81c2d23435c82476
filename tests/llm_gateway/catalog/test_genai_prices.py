"""What our catalog's models cost is what `genai-prices` computes, to the micro-dollar, whatever was used."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from llm_gateway.canonical import Usage
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import FREE, Rates, cost
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

CATALOG = load_catalog(load(GatewaySettings, {}), {})
PRICED = [model for model in CATALOG.models.values() if model.rates not in (None, FREE)]
UNPRICED = [model for model in CATALOG.models.values() if model.rates is None]
NOW = datetime.now(UTC)
MICRO_DOLLAR = Decimal("0.000001")

USAGES = {
    "plain": Usage(prompt_tokens=1_234, completion_tokens=567),
    "prompt alone": Usage(prompt_tokens=1),
    "cached": Usage(prompt_tokens=12_345, cached_tokens=10_000, completion_tokens=89),
    "all cached": Usage(prompt_tokens=10_000, cached_tokens=10_000, completion_tokens=1),
    "cache written": Usage(prompt_tokens=9_000, cache_write_tokens=7_000, completion_tokens=11),
    "written for an hour": Usage(
        prompt_tokens=9_000, cache_write_tokens=7_000, cache_write_1h_tokens=4_000, completion_tokens=11
    ),
    "read and written": Usage(
        prompt_tokens=20_000, cached_tokens=8_000, cache_write_tokens=5_000, completion_tokens=1_000
    ),
    "reasoning": Usage(prompt_tokens=700, completion_tokens=5_000, reasoning_tokens=4_500),
    "audio": Usage(prompt_tokens=3_000, audio_prompt_tokens=1_500, completion_tokens=900, audio_completion_tokens=400),
    "at the tier": Usage(prompt_tokens=200_000, completion_tokens=1_000),
    "past the tier": Usage(prompt_tokens=200_001, completion_tokens=1_000),
    "far past it, with everything": Usage(
        prompt_tokens=900_000, cached_tokens=400_000, cache_write_tokens=100_000, completion_tokens=60_000,
        reasoning_tokens=50_000,
    ),
}  # fmt: skip


def theirs(model: Model, usage: Usage) -> Decimal:
    """`genai-prices` on the same tokens; a kind without a price of its own is plain input or output there too."""
    counted = {
        "input_tokens": usage.prompt_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "input_audio_tokens": usage.audio_prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
        "output_audio_tokens": usage.audio_completion_tokens,
    }
    return genai_prices.calc_price(
        genai_prices.Usage(**{name: count for name, count in counted.items() if count}),
        model_ref=model.id,
        provider_id=model.endpoint.prices,
        genai_request_timestamp=NOW,
    ).total_price


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
@pytest.mark.parametrize("model", PRICED, ids=lambda model: model.name)
def test_a_models_cost_is_that_of_genai_prices(model: Model, usage: Usage):
    if model.rates and model.rates.output is None:  # it gives vectors, and says nothing
        usage = Usage(prompt_tokens=usage.prompt_tokens)
    ours = cost(usage, model.rates)
    assert ours.source == "computed" and ours.usd is not None
    assert abs(ours.usd - theirs(model, usage)) < MICRO_DOLLAR
    assert sum(ours.items.values()) == ours.usd


def test_every_provider_that_is_paid_by_the_token_is_compared():
    paid = {name for name, endpoint in CATALOG.endpoints.items() if endpoint.prices}
    assert {model.provider for model in PRICED} == paid


def test_tiers_cached_and_written_tokens_are_among_what_is_compared():
    rates: list[Rates] = [model.rates for model in PRICED if model.rates is not None]
    assert any(rate.input.tiers for rate in rates)
    assert any(rate.cached_input for rate in rates)
    assert any(rate.cache_write for rate in rates)
    assert any(rate.cache_write_1h for rate in rates)
    assert any(rate.input_audio for rate in rates)


@pytest.mark.parametrize("model", UNPRICED, ids=lambda model: model.name)
def test_what_has_no_price_costs_null_and_not_zero(model: Model):
    assert cost(USAGES["plain"], model.rates).usd is None
    with pytest.raises(LookupError):
        theirs(model, USAGES["plain"])


def test_there_are_models_without_a_price():
    assert UNPRICED
