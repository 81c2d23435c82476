"""Token usage of a call."""

from __future__ import annotations

from decimal import Decimal

from llm_gateway.canonical.value import Value


class Usage(Value, frozen=True):
    """Token counts. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones, and
    `cache_write_tokens` those that are kept for an hour, which cost more.

    `cost_usd` is the cost that the provider reported, if any. `estimated` says that the gateway estimated counts that
    the provider did not report. `modifiers` name conditions that change the price, such as `service_tier=flex`.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    audio_prompt_tokens: int = 0
    audio_completion_tokens: int = 0
    cost_usd: Decimal | None = None
    estimated: bool = False
    modifiers: tuple[str, ...] = ()

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens
