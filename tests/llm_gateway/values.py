"""Canonical values for tests: ready-made ones, and strategies that draw any of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st
from llm_gateway.canonical import (
    Choice,
    FinishReason,
    Image,
    Message,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.canonical.cost import Cost
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.catalog.pricing import FREE, Rates
from llm_gateway.net.timeouts import Timeouts

from tests.strategies import nested

TIMEOUTS = Timeouts(connect=1, first_token=1, idle=1, total=2)


def endpoint(provider: str = "openai", **changes: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "provider": provider, "dialect": "openai_chat", "base_url": "http://127.0.0.1:9/v1",
        "path": "/chat/completions", "stream_path": "/chat/completions", "embeddings_path": "/embeddings",
        "query": "", "headers": {"authorization": "Bearer sk-secret"},
        "max_tokens_field": "max_tokens", "extra_body": {}, "prices": None, "free": False, "unavailable": None,
    }  # fmt: skip
    return Endpoint(**{**fields, **changes})


def model(name: str = "gpt-4o", provider: str = "openai", *, rates: Rates | None = FREE, **changes: Any) -> Model:
    at = changes.pop("endpoint", None) or endpoint(provider)
    fields: dict[str, Any] = {"id": name, "timeouts": TIMEOUTS, "rates": rates}
    return Model(name=name, provider=provider, endpoint=at, **{**fields, **changes})


def answered_by(**changes: Any) -> AnsweredBy:
    fields: dict[str, Any] = {
        "request_id": "req_1", "created": 1_700_000_000, "model": "gpt-4o", "provider": "openai",
        "provider_model": "gpt-4o-2024",
    }  # fmt: skip
    return AnsweredBy(**{**fields, **changes})


def answer(result: Result, **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "answered_by": answered_by(), "usage": result.usage or Usage(), "cost": Cost(Decimal("0.000123"), "computed"),
        "latency_ms": 12.5,
    }  # fmt: skip
    return Answer(result=result, **{**fields, **changes})


def said(text: str, **changes: Any) -> Result:
    fields: dict[str, Any] = {"usage": Usage(prompt_tokens=9, completion_tokens=4)}
    return Result(choices=(Choice(content=(Text(text=text),)),), **{**fields, **changes})


# --- strategies ------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,10}", fullmatch=True)
json_values = nested(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)
objects = st.dictionaries(texts, json_values, max_size=3)
arguments = objects.map(lambda value: msgspec.json.encode(value).decode())
tool_calls = st.builds(ToolCall, id=names, name=names, arguments=arguments)
images = st.builds(Image, url=names.map(lambda n: f"https://x.test/{n}"), detail=st.sampled_from([None, "auto", "low"]))
images |= st.builds(Image, data=st.just("aGk="), media_type=st.sampled_from(["image/png", "image/jpeg"]))
text_parts = st.builds(Text, text=texts, cache=st.sampled_from([None, "5m", "1h"]))


def _tuples(of: st.SearchStrategy[Any], most: int = 3, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=least, max_size=most).map(tuple)


_assistant_words = st.builds(Text, text=words) | st.builds(Refusal, text=words)
_messages = st.one_of(
    st.builds(Message, role=st.just("system"), content=_tuples(text_parts, least=1), name=st.none() | names),
    st.builds(Message, role=st.just("user"), content=_tuples(text_parts | images), name=st.none() | names),
    st.builds(Message, role=st.just("assistant"), content=_tuples(_assistant_words | st.builds(Reasoning, text=words))),
    st.builds(
        Message,
        role=st.just("assistant"),
        content=st.tuples(
            _tuples(st.builds(Text, text=words)), st.lists(tool_calls, min_size=1, max_size=3).map(tuple)
        ).map(lambda both: both[0] + both[1]),
    ),
    st.builds(
        Message, role=st.just("tool"), content=_tuples(text_parts, least=1), tool_call_id=names, is_error=st.booleans()
    ),
)
_schemas = st.dictionaries(names, json_values, max_size=3)
tools = st.builds(Tool, name=names, description=texts, parameters=_schemas, strict=st.none() | st.booleans())
_modes = st.sampled_from([ToolChoice(mode="auto"), ToolChoice(mode="none"), ToolChoice(mode="required")])
tool_choices = _modes | names.map(lambda name: ToolChoice(mode="tool", name=name))
response_formats = st.just(ResponseFormat(type="json_object")) | st.builds(
    ResponseFormat, type=st.just("json_schema"), name=names, schema=st.none() | _schemas,
    strict=st.none() | st.booleans(), description=st.none() | texts,
)  # fmt: skip


def _number(least: float, most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(least, most, allow_nan=False, allow_subnormal=False)


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "messages": _tuples(_messages, least=1),
    "tools": _tuples(tools),
    "tool_choice": st.none() | tool_choices,
    "parallel_tool_calls": st.none() | st.booleans(),
    "temperature": _number(0, 2),
    "max_tokens": st.none() | st.integers(1, 100_000),
    "top_p": _number(0, 1),
    "top_k": st.none() | st.integers(1, 500),
    "stop": _tuples(words),
    "seed": st.none() | st.integers(-(2**60), 2**60),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "logit_bias": st.none() | st.dictionaries(names, st.integers(-100, 100).map(float), max_size=3),
    "n": st.none() | st.integers(1, 4),
    "logprobs": st.none() | st.booleans(),
    "top_logprobs": st.none() | st.integers(0, 20),
    "response_format": st.none() | response_formats,
    "reasoning_effort": st.none() | st.sampled_from(["low", "medium", "high"]),
    "reasoning_budget": st.none() | st.integers(1024, 32_000),
    "user": st.none() | words,
    "stream": st.booleans(),
}
"""Every field of a request that some dialect can say, and what it may hold."""

requests = st.builds(Request, model=names, **FIELDS)
usages = st.builds(
    lambda fresh, cached, said, thought: Usage(
        prompt_tokens=fresh + cached, cached_tokens=cached, completion_tokens=said + thought, reasoning_tokens=thought
    ),
    st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**6), st.integers(0, 10**5),
)  # fmt: skip
"""Counts that can be: of one that cannot, a reader makes an estimate."""

_REASONS: tuple[FinishReason, ...] = ("stop", "length", "content_filter")


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """A choice in the order in which a plain answer has its parts: reasoning, text, refusal, tool calls."""
    parts = [
        *draw(st.lists(st.builds(Reasoning, text=words), max_size=1)),
        *draw(st.lists(st.builds(Text, text=words), max_size=1)),
        *draw(st.lists(st.builds(Refusal, text=words), max_size=1)),
    ]
    calls = draw(st.lists(tool_calls, max_size=3))
    reason: FinishReason = "tool_calls" if calls else draw(st.sampled_from(_REASONS))
    return Choice(content=(*parts, *calls), finish_reason=reason)


def results(most_choices: int = 1) -> st.SearchStrategy[Result]:
    return st.builds(Result, choices=_tuples(choices(), most_choices, least=1), usage=usages)
