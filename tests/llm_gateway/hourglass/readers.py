"""Answers of our surfaces as their clients read them, where no dialect of ours does it."""

from __future__ import annotations

from typing import Any

import msgspec
from llm_gateway.types import Choice, Part, Reasoning, Result, Text, ToolCall, Usage

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


def compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()
