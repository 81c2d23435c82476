"""The one record of a call, whatever ended it. Logs, metrics and totals are made from records alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from llm_gateway.canonical import Usage
from llm_gateway.canonical.answer import CacheLevel, CacheStatus
from llm_gateway.canonical.cost import CostSource

CallStatus = Literal["ok", "error", "cancelled"]
AttemptOutcome = Literal["answered", "failed", "cancelled", "unfit"]
"""`failed` includes a stream that broke off, `unfit` is a deployment that cannot be asked this in its own words."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One deployment asked once. `started_at` is in seconds since 1970, `duration_ms` until its last word.

    `deployment` is its provider, the address there and the model's id; `tokens` is None where nothing was counted.
    """

    deployment: tuple[str, ...]
    started_at: float
    duration_ms: float
    outcome: AttemptOutcome
    error_code: str | None = None
    tokens: int | None = None


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened in one call. Times are in milliseconds, `finished_at` in seconds since 1970.

    `principal` is the short id of the caller's key, `end_user` what the caller says of its own user,
    `session` the session that it names. `model`
    and `provider_model` name the deployment that answered, and are None where none did; `provider` is then the one that
    failed, or else that of the model that was meant. `metered_model` is a bounded name for labels, of the model that
    answered or was meant. `billed` is False
    where the answer was paid for by another call. `attempts` are those of the call that is shared, and are listed in
    the record of the caller that is billed for it. `cache_level` is where the kept answer was found.
    """

    request_id: str
    surface: str
    principal: str
    end_user: str | None
    asked: str
    status: CallStatus
    http_status: int
    stream: bool
    cache: CacheStatus
    finished_at: float
    latency_ms: float
    cache_level: CacheLevel | None = None
    upstream_ms: float = 0.0
    ttft_ms: float | None = None
    model: str | None = None
    metered_model: str = "none"
    provider: str | None = None
    provider_model: str | None = None
    fallback_from: str | None = None
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    cost_source: CostSource = "unknown"
    saved_usd: Decimal | None = None
    billed: bool = True
    error_code: str | None = None
    error_detail: str | None = None
    attempts: tuple[Attempt, ...] = ()
    session: str | None = None
