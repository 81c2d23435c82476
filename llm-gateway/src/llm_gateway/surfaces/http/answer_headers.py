"""Where an answer came from and what it cost, as response headers for clients that do not read the body."""

from __future__ import annotations

from llm_gateway.canonical.answer import Answer, AnsweredBy, AnswerMeta
from llm_gateway.pipeline.live_call import LiveCall


def answer_headers(answer: AnswerMeta) -> list[tuple[bytes, bytes]]:
    """Those of a whole answer."""
    overhead = answer.latency_ms - answer.upstream_ms
    headers = _common(answer.cache, answer.answered_by, overhead, answer.cache_key)
    if answer.cost.usd is not None:
        headers.append((b"x-response-cost-usd", format(answer.cost.usd, "f").encode()))
    if answer.upstream_ms:
        timing = b"upstream;dur=%.3f, gateway;dur=%.3f" % (answer.upstream_ms, overhead)
        headers.append((b"server-timing", timing))
    return headers + _dropped(answer.dropped)


def stream_headers(call: LiveCall[Answer]) -> list[tuple[bytes, bytes]]:
    """Those of a stream, as far as it is known when it begins."""
    headers = _common(call.cache, call.answered_by, call.overhead_ms, call.cache_key)
    return headers + _dropped(call.dropped)


def _common(
    cache: str, answered_by: AnsweredBy, overhead_ms: float, cache_key: bytes | None
) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-cache", cache.encode()),
        (b"cache-status", _CACHE_STATUS[cache]),
        (b"x-provider", answered_by.provider.encode()),
        (b"x-provider-model", _header_safe(answered_by.provider_model)),
        (b"x-overhead-ms", b"%.3f" % overhead_ms),
    ]
    if cache_key is not None:
        headers.append((b"x-cache-key", cache_key.hex().encode()))
    if answered_by.fallback_from is not None:
        headers.append((b"x-fallback-from", _header_safe(answered_by.fallback_from)))
    if answered_by.tools_emulated:
        headers.append((b"x-tools", b"emulated"))
    return headers


_CACHE_STATUS = {
    "hit": b"llm-gateway; hit",
    "miss": b"llm-gateway; fwd=miss",
    "bypass": b"llm-gateway; fwd=bypass",
    "coalesced": b"llm-gateway; fwd=miss; collapsed",
}
"""RFC 9211."""


_LONGEST_VALUE = 1024
"""In bytes. Clients refuse heads of some 64 KiB, and names of models and fields come from requests."""


def _header_safe(text: str) -> bytes:
    if len(text) > _LONGEST_VALUE:
        text = text[: _LONGEST_VALUE - 3] + "..."
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if 32 <= ord(c) < 127 else "?" for c in text).encode()


def _dropped(names: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(b"x-dropped-params", _header_safe(", ".join(names)))] if names else []
