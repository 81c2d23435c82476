"""What Gemini's answers and the chunks of its streams have in common, as canonical values."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import FinishReason, Usage
from llm_gateway.dialects.gemini import wire
from llm_gateway.dialects.gemini.errors import error_of, policy_violation, status_of
from llm_gateway.errors import UpstreamProtocol

_decoder = msgspec.json.Decoder(wire.Received)

_FILTERED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
})  # fmt: skip


def received(body: bytes) -> wire.Received:
    """An answer, or a chunk of one.

    Raises:
        UpstreamProtocol: it is none.
        UpstreamRejected: the prompt was blocked.
        UpstreamError: it is an error.
    """
    try:
        found = _decoder.decode(body)
    except wire.UNREADABLE as error:
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if found.error:
        raise error_of(status_of(found.error), {}, found.error, body)
    feedback = found.prompt_feedback
    if feedback is not None and feedback.block_reason and not found.candidates:
        raise policy_violation(feedback.block_reason, body[:500].decode("utf-8", "replace"))
    return found


def finish_reason(reason: str, message: str | None, *, has_calls: bool) -> FinishReason:
    """One of Gemini's reasons as one of the four.

    Raises:
        UpstreamProtocol: the model stumbled (a malformed or unexpected call), or stopped for a reason that is not
            told or not known: what it said until then must not look like a whole answer.
    """
    if reason == "STOP":
        return "tool_calls" if has_calls else "stop"
    if reason in ("MAX_TOKENS", "CONTINUATION"):
        return "length"
    if reason in _FILTERED:
        return "content_filter"
    raise UpstreamProtocol(f"the model stopped for {reason[:100]}: {(message or '')[:500]}")


def usage_of(counted: wire.UsageMetadata | None) -> Usage | None:
    """Gemini's counts as ours, or None when there are none."""
    if counted is None or counted.prompt_token_count is None:
        return None
    thoughts = counted.thoughts_token_count or 0
    return Usage(
        prompt_tokens=counted.prompt_token_count + (counted.tool_use_prompt_token_count or 0),
        completion_tokens=(counted.candidates_token_count or 0) + thoughts,
        cached_tokens=counted.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
        audio_prompt_tokens=_audio(counted.prompt_tokens_details),
        audio_completion_tokens=_audio(counted.candidates_tokens_details),
    )


def latest(before: wire.UsageMetadata | None, now: wire.UsageMetadata) -> wire.UsageMetadata:
    """Counts are cumulative: the last of each is what counts, and one that is left out of `now` is filled in."""
    if before is not None:
        for name in wire.COUNTS:
            if getattr(now, name) is None:
                setattr(now, name, getattr(before, name))
    return now


def _audio(details: list[wire.ModalityCount] | None) -> int:
    return sum([item.token_count or 0 for item in details if item.modality == "AUDIO"]) if details else 0


def logprobs_of(result: wire.LogprobsResult) -> dict[str, Any] | None:
    """Log probabilities in OpenAI's form, or None when there are none."""
    tops = result.top_candidates or []
    content: list[dict[str, Any]] = []
    for number, token in enumerate(result.chosen_candidates or ()):
        others = (tops[number].candidates if number < len(tops) else None) or ()
        content.append(_probability(token) | {"top_logprobs": [_probability(other) for other in others]})
    return {"content": content, "refusal": None} if content else None


def _probability(token: wire.TokenProbability) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}
