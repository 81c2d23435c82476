"""The tokens that a call used."""

from __future__ import annotations

from decimal import Decimal

from llm_gateway.canonical.value import Value


class Usage(Value, frozen=True):
    """Token counts. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones, and
    `cache_write_tokens` those that are kept for an hour, which cost more.

    `cost_usd` is what the provider itself reported, if it did. `estimated` says that we counted, because
    the provider did not tell. `modifiers` are what it served otherwise than usual and bills otherwise, such as
    `service_tier=flex`.
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
