"""Every dialect that the gateway serves, and how its clients read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import strategies as st
from llm_gateway.canonical import (
    Choice,
    Delta,
    Event,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    Result,
    Text,
    ToolCall,
    ToolChoice,
    Usage,
)
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.dialects.anthropic.server import AnthropicServer
from llm_gateway.dialects.common.cache_control import with_fewer_marks
from llm_gateway.dialects.common.reasoning_effort import effort_of
from llm_gateway.dialects.common.signatures import wrap
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.dialects.openai_chat.reasoning_details import parsed, sent_back
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.dialects.prompt.server import PromptServer
from llm_gateway.dialects.protocols import ServerDialect

from tests.llm_gateway import values
from tests.llm_gateway.hourglass import drawn, readers
from tests.llm_gateway.hourglass.tape import Recording, plain, streamed
from tests.llm_gateway.vendors.anthropic import ANTHROPIC
from tests.llm_gateway.vendors.openai import OPENAI
from tests.llm_gateway.vendors.vendor import Vendor

openai_chat = OpenAIChatServer()

anthropic = AnthropicServer()

ASKED = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),), include_usage=True)


@dataclass(frozen=True)
class Surface:
    """One served dialect. `read` and `read_stream` are its clients' understanding of our bytes, `carried` what it can
    hold of an answer, `results` the answers that it is tried with.

    A dialect that we speak as a client too has `vendor`; `projected` is then what of a request it can say, and
    `requests` are those that it is tried with.
    """

    name: str
    server: ServerDialect
    read: Callable[[bytes], Result]
    read_stream: Callable[[bytes], Result]
    carried: Callable[[Result], Result] = field(default=lambda result: result)
    results: st.SearchStrategy[Result] = field(default_factory=values.results)
    vendor: Vendor | None = None
    projected: Callable[[Request], Request] = field(default=lambda request: request)
    requests: st.SearchStrategy[Request] = field(default_factory=st.nothing)

    def __repr__(self) -> str:
        return self.name

    def rendered(self, result: Result) -> bytes:
        return self.server.render_result(values.answer(result), ASKED)

    def streamed(self, result: Result, size: int = 100) -> bytes:
        """The stream that a client of ours would be sent, its texts in pieces of `size` characters."""
        answer = values.answer(result)
        encoder = self.server.stream_encoder(answer.answered_by, ASKED)
        return encoder.start() + b"".join(map(encoder.feed, pieces(result, size))) + encoder.finish(answer)


def pieces(result: Result, size: int) -> Iterator[list[Event]]:
    """The result's events, its texts in pieces of `size` characters."""
    for event in events_of(result):
        if isinstance(event, Delta):
            for start in range(0, len(event.text), size):
                yield [msgspec.structs.replace(event, text=event.text[start : start + size])]
        else:
            yield [event]


def essence(result: Result) -> Result:
    """What an answer says and used, without who said it under which id."""
    return msgspec.structs.replace(result, model=None, id=None)


def _spoken(vendor: Vendor) -> dict[str, Any]:
    """The readers of a dialect that we speak as a client too."""
    whole, events = {"content-type": "application/json"}, {"content-type": vendor.client.stream_type}

    def read_stream(body: bytes) -> Result:
        return streamed(vendor.client, Recording(200, events, (body,)), ASKED, vendor.model)

    return {
        "vendor": vendor,
        "read": lambda body: plain(vendor.client, Recording(200, whole, (body,)), ASKED, vendor.model),
        "read_stream": read_stream,
    }


# --- chat completions ---


def _said_by_openai(request: Request) -> Request:
    """`request` without what chat completions cannot say."""
    budget = request.reasoning_budget
    return msgspec.structs.replace(
        request,
        provider=None,
        messages=tuple(_message_of_openai(message) for message in request.messages),
        tools=tuple(msgspec.structs.replace(tool, cache=None) for tool in request.tools),
        include_usage=request.stream,
        top_k=None,
        reasoning_effort=request.reasoning_effort or (budget and effort_of(budget)),
        reasoning_budget=None,
        dialect="openai_chat",
    )


def _message_of_openai(message: Message) -> Message:
    """Reasoning stays with us, a failed tool is told by its text, text beside tool calls is one string, and marks for
    a cache are not for OpenAI."""
    content = tuple(
        msgspec.structs.replace(part, cache=None) if isinstance(part, Text | Image | ToolCall) else part
        for part in message.content
        if not isinstance(part, Reasoning)
    )
    calls = tuple(part for part in content if isinstance(part, ToolCall))
    if calls:
        text = "".join(part.text for part in content if isinstance(part, Text))
        content = (*((Text(text=text),) if text else ()), *calls)
    return msgspec.structs.replace(message, content=content, is_error=False)


def _opened(result: Result) -> Result:
    """`result`, whose thoughts have their details sealed as a provider's, as the gateway takes them back."""
    return msgspec.structs.replace(
        result,
        choices=tuple(msgspec.structs.replace(choice, content=_taken_back(choice)) for choice in result.choices),
    )


def _taken_back(choice: Choice) -> tuple[Part, ...]:
    calls = tuple(part for part in choice.content if isinstance(part, ToolCall))
    sealed = [part for part in choice.content if isinstance(part, Reasoning) and part.signature]
    thoughts, signed = parsed(sent_back(sealed, OPENAI.model.provider), None, calls)
    content: list[Part] = []
    for part in choice.content:
        if part in sealed:
            content, thoughts = [*content, *thoughts], []
        elif not isinstance(part, ToolCall):
            content.append(part)
    return (*content, *signed)


def _opening(readers: dict[str, Any]) -> dict[str, Any]:
    """Readers that open what they read."""
    read, read_stream = readers["read"], readers["read_stream"]
    return readers | {
        "read": lambda body: _opened(read(body)), "read_stream": lambda body: _opened(read_stream(body)),
    }  # fmt: skip


CHAT = Surface(
    "chat.completions", openai_chat, results=values.results(most_choices=3), projected=_said_by_openai,
    requests=values.requests, **_opening(_spoken(OPENAI)),
)  # fmt: skip


# --- native ---


def _read_by_native(result: Result) -> Result:
    """Text and refusal are one there, and arguments are objects."""
    texts = [part.text for part in result.content if isinstance(part, Text | Refusal)]
    content: list[Part] = [part for part in result.content if isinstance(part, Reasoning)]
    content += [Text(text="".join(texts))] if texts else []
    for part in result.content:
        if isinstance(part, ToolCall):
            arguments = readers.compact(msgspec.json.decode(part.arguments))
            content.append(msgspec.structs.replace(part, arguments=arguments))
    choice = msgspec.structs.replace(result.choices[0], content=tuple(content))
    return msgspec.structs.replace(result, choices=(choice,))


NATIVE = Surface("generate", NativeServer(), readers.native, readers.native_stream, carried=_read_by_native)

# --- Responses ---

RESPONSES = Surface("responses", OpenAIResponsesServer(), readers.responses, readers.responses_stream)

# --- Anthropic's Messages ---


def _carried_by_anthropic(result: Result) -> Result:
    """Refusals are text there and end the answer; another provider's signature says whose it is."""
    choice = result.choices[0]
    content: list[Part] = []
    reason, refused = choice.finish_reason, False
    for part in choice.content:
        match part:
            case Refusal():
                content.append(Text(text=part.text))
                refused = True
            case Reasoning(signature=str()) if part.provider != "anthropic":
                signature = wrap(part.provider, part.signature or "", part.redacted)
                content.append(msgspec.structs.replace(part, signature=signature, provider="anthropic"))
            case _:
                content.append(part)
    if refused and reason == "stop":
        reason = "content_filter"
    choice = msgspec.structs.replace(choice, content=tuple(content), finish_reason=reason)
    return msgspec.structs.replace(result, choices=(choice,))


def _said_by_anthropic(request: Request) -> Request:
    """System messages are one; four caching marks are the most; a limit there always is."""
    request = with_fewer_marks(request)
    system = [part for message in request.messages if message.role == "system" for part in message.content]
    messages = tuple(message for message in request.messages if message.role != "system")
    if system:
        messages = (Message(role="system", content=tuple(system)), *messages)
    limit = ANTHROPIC.model.max_output_tokens or 0
    return msgspec.structs.replace(
        request, messages=messages, max_tokens=min(request.max_tokens or limit, limit), include_usage=True,
        parallel_tool_calls=None if request.parallel_tool_calls else request.parallel_tool_calls,
        tool_choice=ToolChoice(mode="auto") if request.parallel_tool_calls is False else None, dialect="anthropic",
    )  # fmt: skip


_COUNTED = st.builds(lambda result, usage: msgspec.structs.replace(result, usage=usage), values.results(), drawn.usages)
"""Answers whose cached tokens are among the prompt's, as they must be where the two are counted apart."""

MESSAGES = Surface(
    "messages", anthropic, carried=_carried_by_anthropic, projected=_said_by_anthropic,
    requests=drawn.conversations(tuned=False), results=_COUNTED, **_spoken(ANTHROPIC),
)  # fmt: skip

# --- the prompt API ---


def _read_by_prompt(result: Result) -> Result:
    """One text, refusals included, after one thought; of the usage the total, and what a cache had of it."""
    choice, usage = result.choices[0], result.usage or Usage()
    thought = "".join(part.text for part in choice.content if isinstance(part, Reasoning))
    text = "".join(part.text for part in choice.content if isinstance(part, Text | Refusal))
    content = (*((Reasoning(text=thought),) if thought else ()), *((Text(text=text),) if text else ()))
    counted = Usage(prompt_tokens=usage.total_tokens, cached_tokens=usage.cached_tokens)
    said = Choice(content=content, finish_reason=choice.finish_reason)
    return msgspec.structs.replace(result, choices=(said,), usage=counted)


PROMPT = Surface("prompt", PromptServer(), readers.prompt, readers.prompt_stream, carried=_read_by_prompt)

SURFACES = (CHAT, NATIVE, RESPONSES, MESSAGES, PROMPT)
