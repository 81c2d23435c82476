"""Renders streams as chat completion chunks."""

from __future__ import annotations

from typing import Any

from service_kit.errors import ApiError

from llm_gateway.canonical import BlockStart, BlockStop, Delta, Event, Finish, Logprobs, Reasoning, Request, Signature
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.openai_chat.reasoning_details import detail_of
from llm_gateway.dialects.openai_chat.render import encode, head_of, render_usage

_DONE = b"data: [DONE]\n\n"


def stream_encoder(answered_by: AnsweredBy, request: Request) -> StreamEncoder:
    return StreamEncoder(answered_by, include_usage=request.include_usage)


class StreamEncoder:
    """Renders `chat.completion.chunk` events; the first one of a choice has the role."""

    def __init__(self, answered_by: AnsweredBy, *, include_usage: bool = False) -> None:
        self._request_id = answered_by.request_id
        self._include_usage = include_usage
        head = head_of(answered_by, "chat.completion.chunk")
        # The head is the same in every chunk, so it is encoded once and the rest is appended.
        self._head = b"data: " + encode(head)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
        self._blocks: dict[tuple[int, int], BlockStart] = {}
        self._begun: set[int] = set()
        self._thoughts = SignedThoughts()

    def start(self) -> bytes:
        return b""

    def feed(self, events: list[Event]) -> bytes:
        return b"".join([self._chunk(event) for event in events])

    def _chunk(self, event: Event) -> bytes:
        delta: dict[str, Any] = {}
        finish = None
        logprobs = None
        match event:
            case Delta():
                delta = self._delta(event)
            case BlockStart():
                self._blocks[(event.choice, event.index)] = event
                delta = self._opening(event)
            case Finish():
                finish = event.reason
                delta = self._thoughts.rest(event.choice)
            case Logprobs():
                logprobs = event.value
            case Signature():
                self._thoughts.signed(event)
                return b""
            case BlockStop():
                delta = self._thoughts.stopped(event)
            case _:
                return b""
        choice = event.choice
        if choice not in self._begun:
            self._begun.add(choice)
            delta = {"role": "assistant", "content": "", **delta}
        elif not delta and finish is None and logprobs is None:
            return b""
        body = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + encode(body) + self._tail

    def _delta(self, event: Delta) -> dict[str, Any]:
        block = self._blocks[(event.choice, event.index)]
        match block.kind:
            case "text":
                return {"content": event.text}
            case "tool_call":
                return {"tool_calls": [{"index": block.tool_index, "function": {"arguments": event.text}}]}
            case "reasoning":
                self._thoughts.said(event)
                return {"reasoning_content": event.text}
            case "refusal":
                return {"refusal": event.text}

    def _opening(self, event: BlockStart) -> dict[str, Any]:
        if event.kind != "tool_call":
            return self._thoughts.rest(event.choice)
        call = {
            "index": event.tool_index,
            "id": event.id,
            "type": "function",
            "function": {"name": event.name, "arguments": ""},
        }
        return {"tool_calls": [call], **self._thoughts.rest(event.choice, event.id)}

    def finish(self, answer: Answer) -> bytes:
        if not self._include_usage:
            return _DONE
        usage = encode(render_usage(answer.usage, answer))
        return self._head + b'],"usage":' + usage + b"}\n\n" + _DONE

    def fail(self, error: ApiError) -> bytes:
        """Renders an error event, without `[DONE]`: the official clients raise an error."""
        return b"data: " + render_error(error, self._request_id) + b"\n\n"


class SignedThoughts:
    """Collects signed thoughts for `reasoning_details`. Each is sent whole when its block ends; its text has been
    streamed as `reasoning_content` by then. A signature without text is held back for the tool call that may follow."""

    __slots__ = ("_counts", "_said", "_signed", "_waiting")

    def __init__(self) -> None:
        self._said: dict[tuple[int, int], list[str]] = {}
        self._signed: dict[tuple[int, int], Signature] = {}
        self._waiting: dict[int, Reasoning] = {}
        self._counts: dict[int, int] = {}

    def said(self, event: Delta) -> None:
        self._said.setdefault((event.choice, event.index), []).append(event.text)

    def signed(self, event: Signature) -> None:
        self._signed[(event.choice, event.index)] = event

    def stopped(self, event: BlockStop) -> dict[str, Any]:
        """Returns the delta for the end of a block."""
        if not self._signed:
            return {}
        key = (event.choice, event.index)
        signed, text = self._signed.pop(key, None), "".join(self._said.pop(key, ()))
        if signed is None:
            return {}
        thought = Reasoning(text=text, signature=signed.signature, provider=signed.provider, redacted=signed.redacted)
        if text or signed.redacted:
            return self._delta(event.choice, thought, None)
        before = self.rest(event.choice)
        self._waiting[event.choice] = thought
        return before

    def rest(self, choice: int, call_id: str | None = None) -> dict[str, Any]:
        """Returns the delta for a signature that was held back; `call_id` is that of the block that begins now, if it
        is a call."""
        if not self._waiting:
            return {}
        thought = self._waiting.pop(choice, None)
        return {} if thought is None else self._delta(choice, thought, call_id)

    def _delta(self, choice: int, thought: Reasoning, call_id: str | None) -> dict[str, Any]:
        index = self._counts[choice] = self._counts.get(choice, -1) + 1
        return {"reasoning_details": [detail_of(thought, index, call_id)]}
