"""Answers for Responses: parts of every kind, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from llm_gateway.canonical import Choice, FinishReason, Reasoning, Refusal, Result, Text, ToolCall

from tests.llm_gateway import values
from tests.llm_gateway.hourglass.drawn import arguments, ids

_REASONS: tuple[FinishReason, ...] = ("stop", "length", "content_filter", "tool_calls")
_providers = st.sampled_from(["anthropic", "google", "aws", "openai"])
_signatures = st.from_regex(r"[A-Za-z0-9+/=]{1,12}", fullmatch=True)
_thoughts = st.one_of(
    st.builds(Reasoning, text=values.words),
    st.builds(Reasoning, text=values.texts, signature=_signatures, provider=_providers),
    st.builds(Reasoning, signature=_signatures, provider=_providers, redacted=st.just(True)),
)
_calls = st.builds(ToolCall, id=ids, name=values.names, arguments=arguments | st.just(""))
_parts = st.one_of(st.builds(Text, text=values.texts), st.builds(Refusal, text=values.texts), _thoughts, _calls)


def _names(part: Any) -> Any:
    return part.id if isinstance(part, ToolCall) else object()


def outputs() -> st.SearchStrategy[Result]:
    """An answer with at least one part; calls have ids of their own."""
    contents = st.lists(_parts, min_size=1, max_size=6, unique_by=_names).map(tuple)
    choices = st.builds(Choice, content=contents, finish_reason=st.sampled_from(_REASONS))
    return st.builds(Result, choices=choices.map(lambda choice: (choice,)), usage=values.usages)
