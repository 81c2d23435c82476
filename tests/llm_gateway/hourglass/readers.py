"""Answers of our surfaces as their clients read them, where no dialect of ours does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from llm_gateway.canonical import Choice, FinishReason, Part, Reasoning, Refusal, Result, Text, ToolCall, Usage
from llm_gateway.dialects.common.signatures import unwrap
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionToolCall,
    ResponseIncompleteEvent,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseReasoningItem,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
)
from pydantic import TypeAdapter

from tests.llm_gateway.event_stream import events


def native(body: bytes) -> Result:
    """`/mcp/llm/generate`."""
    return _native(msgspec.json.decode(body))


def native_stream(body: bytes) -> Result:
    """Its stream, put together as its description says."""
    *deltas, tail, done = events(body)
    assert done == "[DONE]"
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        for piece in delta.get("tool_calls", ()):
            call = calls.setdefault(piece["index"], {"args": ""})
            call |= {name: piece[name] for name in ("id", "name") if name in piece}
            call["args"] += piece["args_delta"]
    whole = [{**call, "args": msgspec.json.decode(call["args"] or "{}")} for call in calls.values()]
    assert whole == tail["tool_calls"]
    assert [delta["finish_reason"] for delta in deltas if "finish_reason" in delta] == [tail["finish_reason"]]
    content, reasoning = (
        "".join(delta[name] for delta in deltas if name in delta) for name in ("content", "reasoning")
    )
    return _native({**tail, "content": content, "reasoning": reasoning})


def _native(answer: dict[str, Any]) -> Result:
    content: list[Part] = []
    signed = [Reasoning(**detail) for detail in answer.get("reasoning_details", ())]
    if answer.get("reasoning"):
        assert not signed or answer["reasoning"] == "".join(part.text for part in signed)
        content += signed or [Reasoning(text=answer["reasoning"])]
    if answer["content"]:
        content.append(Text(text=answer["content"]))
    for call in answer["tool_calls"]:
        content.append(ToolCall(id=call["id"], name=call["name"], arguments=compact(call["args"])))
    counted = {name: count for name, count in answer["usage"].items() if name != "total_tokens"}
    assert answer["usage"]["total_tokens"] == counted["prompt_tokens"] + counted["completion_tokens"]
    choice = Choice(content=tuple(content), finish_reason=answer["finish_reason"])
    return Result(choices=(choice,), usage=Usage(**counted))


def prompt(body: bytes) -> Result:
    """`/api/v1/generate`."""
    return _prompt(msgspec.json.decode(body))


def prompt_stream(body: bytes) -> Result:
    """Its stream, put together as its description says."""
    *chunks, last = events(body)
    assert [chunk["index"] for chunk in (*chunks, last)] == list(range(len(chunks) + 1))
    assert last["finished"] and not any(chunk["finished"] for chunk in chunks)
    content = "".join(chunk["content"] for chunk in chunks)
    reasoning = "".join(chunk.get("reasoning", "") for chunk in chunks)
    return _prompt({**last, "content": content, "reasoning": reasoning, "tokensUsed": last["totalTokens"]})


def _prompt(answer: dict[str, Any]) -> Result:
    thought, text = answer.get("reasoning"), answer["content"]
    content = (*((Reasoning(text=thought),) if thought else ()), *((Text(text=text),) if text else ()))
    choice = Choice(content=content, finish_reason=answer["finishReason"])
    counted = Usage(prompt_tokens=answer["tokensUsed"], cached_tokens=answer["tokens"]["cached"])
    return Result(choices=(choice,), usage=counted)


def compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# --- Responses, as OpenAI's own models read them ---


def responses(body: bytes) -> Result:
    """`/v1/responses`."""
    return _response(Response.model_validate_json(body))


def responses_stream(body: bytes) -> Result:
    """Its stream: the last event has all of it, and the pieces before were no other."""
    told = [_EVENT.validate_json(block.split("\ndata: ")[1]) for block in body.decode().split("\n\n") if block]
    last = told[-1]
    assert isinstance(last, ResponseCompletedEvent | ResponseIncompleteEvent)
    result = _response(last.response)
    said = "".join(event.delta for event in told if isinstance(event, ResponseTextDeltaEvent))
    assert said == "".join(part.text for part in result.content if isinstance(part, Text))
    written = "".join(event.delta for event in told if isinstance(event, ResponseFunctionCallArgumentsDeltaEvent))
    assert written == "".join(part.arguments for part in result.content if isinstance(part, ToolCall))
    return result


def _response(response: Response) -> Result:
    content = tuple(part for item in response.output for part in _parts(item))
    counted = response.usage
    assert counted
    usage = Usage(
        prompt_tokens=counted.input_tokens,
        cached_tokens=counted.input_tokens_details.cached_tokens,
        completion_tokens=counted.output_tokens,
        reasoning_tokens=counted.output_tokens_details.reasoning_tokens,
    )
    return Result(choices=(Choice(content=content, finish_reason=_finish(response, content)),), usage=usage)


def _parts(item: ResponseOutputItem) -> Iterator[Part]:
    match item:
        case ResponseReasoningItem():
            provider, signature = unwrap(item.encrypted_content, "nobody") if item.encrypted_content else (None, None)
            text = "".join(summary.text for summary in item.summary)
            yield Reasoning(text=text, signature=signature, provider=provider)
        case ResponseOutputMessage():
            for part in item.content:
                yield Text(text=part.text) if part.type == "output_text" else Refusal(text=part.refusal)
        case ResponseFunctionToolCall():
            yield ToolCall(id=item.call_id, name=item.name, arguments=item.arguments)
        case _:
            raise AssertionError(f"an item that nobody asked for: {item}")


def _finish(response: Response, content: tuple[Part, ...]) -> FinishReason:
    if response.status == "completed":
        return "tool_calls" if any(isinstance(part, ToolCall) for part in content) else "stop"
    assert response.status == "incomplete" and response.incomplete_details
    return "length" if response.incomplete_details.reason == "max_output_tokens" else "content_filter"


_EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
