"""Money: USD from token counts. Pure and exact; an unknown price is None, never zero.

Rates come from `genai-prices` (data inside the package, offline), resolved once when a catalog is loaded;
at run time there is only multiplication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from llm_gateway.canonical import Usage
from llm_gateway.canonical.cost import UNKNOWN, Cost, CostSource

_PER_TOKEN = Decimal("0.000001")
_ZERO = Decimal(0)


class Tier(msgspec.Struct, frozen=True):
    """`usd_per_mtok` from `start` prompt tokens on (exclusive)."""

    start: int
    usd_per_mtok: Decimal


class Rate(msgspec.Struct, frozen=True):
    """USD per million tokens of one kind; a long prompt may cost more, for the whole call."""

    base: Decimal
    tiers: tuple[Tier, ...] = ()

    def at(self, prompt_tokens: int) -> Decimal:
        for tier in reversed(self.tiers):
            if prompt_tokens > tier.start:
                return tier.usd_per_mtok
        return self.base


class Rates(msgspec.Struct, frozen=True):
    """What one model costs. A kind without a rate of its own is billed as plain input or output.

    `output` is None for models that say nothing (embeddings); if one does all the same, the cost is unknown.
    `factors` are what the whole costs where something was served otherwise than usual, by its name in
    `Usage.modifiers`.
    """

    input: Rate
    output: Rate | None
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    input_audio: Rate | None = None
    output_audio: Rate | None = None
    factors: Mapping[str, Decimal] = {}


FREE = Rates(input=Rate(_ZERO), output=Rate(_ZERO))


def cost(usage: Usage | None, rates: Rates | None) -> Cost:
    """Returns what a call cost: as the provider reported it, else from the rates, else unknown. The cost is an
    estimate if the counts are estimates, or if part of what was served has no known price."""
    if usage is None:
        return UNKNOWN
    if usage.cost_usd is not None:
        return Cost(usage.cost_usd, "reported", {"reported": usage.cost_usd})
    if rates is None or (rates.output is None and usage.completion_tokens):
        return UNKNOWN
    items = _items(usage, rates)
    source: CostSource = "estimated" if usage.estimated else "computed"
    for modifier in usage.modifiers:
        factor = rates.factors.get(modifier)
        if factor is not None:
            items = {name: usd * factor for name, usd in items.items()}
        elif rates is not FREE:
            source = "estimated"
    return Cost(sum(items.values(), _ZERO), source, items)


def _items(usage: Usage, rates: Rates) -> dict[str, Decimal]:
    prompt = usage.prompt_tokens
    fresh = prompt - usage.cached_tokens - usage.cache_write_tokens - usage.audio_prompt_tokens
    hour = min(usage.cache_write_1h_tokens, usage.cache_write_tokens)
    written = rates.cache_write or rates.input
    said = usage.completion_tokens - usage.audio_completion_tokens
    if fresh == prompt and said == usage.completion_tokens and rates.output is not None:  # as it mostly is
        items: dict[str, Decimal] = {}
        if fresh > 0:
            items["input"] = fresh * rates.input.at(prompt) * _PER_TOKEN
        if said > 0:
            items["output"] = said * rates.output.at(prompt) * _PER_TOKEN
        return items
    lines = (
        ("input", max(0, fresh), rates.input),
        ("cached_input", usage.cached_tokens, rates.cached_input or rates.input),
        ("cache_write", usage.cache_write_tokens - hour, written),
        ("cache_write_1h", hour, rates.cache_write_1h or written),
        ("input_audio", usage.audio_prompt_tokens, rates.input_audio or rates.input),
        ("output", max(0, said), rates.output),
        ("output_audio", usage.audio_completion_tokens, rates.output_audio or rates.output),
    )
    return {name: tokens * rate.at(prompt) * _PER_TOKEN for name, tokens, rate in lines if tokens and rate}


def rates_of(provider: str, model: str) -> Rates | None:
    """Returns the rates of a provider's model as `genai-prices` knows them now, or None.

    `provider` is its id there, for example `openai`, `aws`, `google`, `openrouter`.
    """
    # Imported here: its tables weigh 30 MB and are needed only while a catalog is loaded.
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, info = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    prices: Any = info.get_prices(datetime.now(UTC))
    if prices.input_mtok is None:
        return None
    return Rates(
        input=_rate(prices.input_mtok),
        output=_optional(prices.output_mtok),
        cached_input=_optional(prices.cache_read_mtok),
        cache_write=_optional(prices.cache_write_mtok),
        cache_write_1h=_optional(prices.cache_write_1h_mtok),
        input_audio=_optional(prices.input_audio_mtok),
        output_audio=_optional(prices.output_audio_mtok),
        factors=_factors(provider, model),
    )


_OPENAI = {"service_tier=flex": Decimal("0.5"), "service_tier=batch": Decimal("0.5")}
_ANTHROPIC = {"service_tier=batch": Decimal("0.5"), "inference_geo=us": Decimal("1.1")}
_FAST = (("opus-4-6", Decimal(6)), ("opus-4-7", Decimal(6)), ("opus-4-8", Decimal(2)), ("opus-5", Decimal(2)))


def _factors(provider: str, model: str) -> Mapping[str, Decimal]:
    """Returns the factors that a provider publishes for its models; priority tiers have none, as each model has its own
    price.

    Sources: https://platform.openai.com/docs/guides/flex-processing,
    https://platform.claude.com/docs/en/about-claude/pricing and
    https://platform.claude.com/docs/en/build-with-claude/fast-mode
    """
    if provider in ("openai", "azure"):
        return _OPENAI
    if provider != "anthropic":
        return {}
    fast = next((factor for name, factor in _FAST if name in model), None)
    return _ANTHROPIC if fast is None else {**_ANTHROPIC, "speed=fast": fast}


def _optional(price: Any) -> Rate | None:
    return None if price is None else _rate(price)


def _rate(price: Any) -> Rate:
    if isinstance(price, Decimal):
        return Rate(price)
    tiers: Sequence[Any] = sorted(price.tiers, key=lambda tier: tier.start)
    return Rate(Decimal(price.base), tuple(Tier(tier.start, Decimal(tier.price)) for tier in tiers))
