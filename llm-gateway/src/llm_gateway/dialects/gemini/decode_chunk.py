"""Decodes what Gemini's whole answers and the chunks of its streams have in common."""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import FinishReason, Usage
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.dialects.gemini import wire
from llm_gateway.dialects.gemini.errors import decode_error, error_of, policy_violation, status_of
from llm_gateway.errors import UpstreamError, UpstreamProtocol

_reader = TolerantReader(wire.Received, wire.PIECES)
_strictly = _reader.strictly

_FILTERED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
})  # fmt: skip


def received(body: bytes) -> tuple[wire.Received, bool]:
    """Returns an answer or a chunk, and whether its texts may end within a character.

    Raises:
        UpstreamProtocol: the body is neither.
        UpstreamRejected: the prompt was blocked.
        UpstreamError: the body is an error.
    """
    try:
        found, odd = _strictly(body), False
    except UNREADABLE as error:
        found, odd = _forgiven(body, error), True
    if found.error:
        raise error_of(status_of(found.error), {}, found.error, body)
    feedback = found.prompt_feedback
    if feedback is not None and feedback.block_reason and not found.candidates:
        raise policy_violation(feedback.block_reason, body[:500].decode("utf-8", "replace"))
    return found, odd


def _forgiven(body: bytes, error: Exception) -> wire.Received:
    try:
        return _reader.forgive_piece(body, error)
    except UNREADABLE:
        raise _hidden(body) or UpstreamProtocol(f"{error}: {body[:500]!r}") from None


def _hidden(body: bytes) -> UpstreamError | None:
    """Returns the error in a list, as which Google sends what is not asked for as events."""
    found = decode_error(200, {}, body)
    return None if isinstance(found, UpstreamProtocol) else found


def finish_reason(reason: str, message: str | None, *, has_calls: bool) -> FinishReason:
    """Returns the canonical finish reason.

    Raises:
        UpstreamProtocol: the model failed (a malformed or unexpected call), or stopped for an unknown reason:
            what it said so far must not look like a whole answer.
    """
    if reason == "STOP":
        return "tool_calls" if has_calls else "stop"
    if reason in ("MAX_TOKENS", "CONTINUATION"):
        return "length"
    if reason in _FILTERED:
        return "content_filter"
    raise UpstreamProtocol(f"the model stopped for {reason[:100]}: {(message or '')[:500]}")


_AUDIO = "AUDIO"
_USUAL_TRAFFIC = frozenset({"ON_DEMAND", "TRAFFIC_TYPE_UNSPECIFIED"})


def usage_of(told: Any) -> Usage | None:
    """Returns canonical usage, or None if the counts are missing or impossible. The prompt's count includes cached
    tokens; the candidates' count does not include thoughts."""
    counts = counted.fields(told)
    thoughts, traffic = counts.get("thoughtsTokenCount"), counts.get("trafficType")
    unusual = isinstance(traffic, str) and traffic not in _USUAL_TRAFFIC
    return counted.usage_from(
        prompt=(counts.get("promptTokenCount"), counts.get("toolUsePromptTokenCount")),
        completion=(counts.get("candidatesTokenCount"), thoughts),
        modifiers=(f"traffic_type={traffic}",) if unusual else (),
        cached_tokens=counts.get("cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        audio_prompt_tokens=_audio(counts.get("promptTokensDetails")),
        audio_completion_tokens=_audio(counts.get("candidatesTokensDetails")),
    )


def latest(before: dict[str, Any], now: Any) -> dict[str, Any]:
    """Returns the latest counts. They are cumulative, and one that is missing in `now` keeps its value."""
    return before | {name: value for name, value in counted.fields(now).items() if value is not None}


def _audio(details: Any) -> Any:
    """Returns the count of audio tokens, which have a price of their own."""
    for item in details if isinstance(details, list) else ():
        if isinstance(item, dict) and item.get("modality") == _AUDIO:
            return item.get("tokenCount")
    return None


def logprobs_of(result: wire.LogprobsResult) -> dict[str, Any] | None:
    """Returns log probabilities in OpenAI's form, or None if there are none."""
    tops = result.top_candidates or []
    content: list[dict[str, Any]] = []
    for number, token in enumerate(result.chosen_candidates or ()):
        others = (tops[number].candidates if number < len(tops) else None) or ()
        content.append(_probability(token) | {"top_logprobs": [_probability(other) for other in others]})
    return {"content": content, "refusal": None} if content else None


def _probability(token: wire.TokenProbability) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}
