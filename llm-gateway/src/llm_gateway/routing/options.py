"""How a caller wants its request carried out."""

from __future__ import annotations

import msgspec

from llm_gateway.catalog.models import SafeStream


class CallOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a caller's headers say of its request, beyond what the catalogue says.

    `timeout` in seconds bounds everything, retries and fallbacks included; `drop` are parameters that may be left
    out where a model lacks them; `safe_stream` is the model's own choice when it is None.
    """

    timeout: float | None = None
    drop: frozenset[str] = frozenset()
    safe_stream: SafeStream | None = None


NO_OPTIONS = CallOptions()
