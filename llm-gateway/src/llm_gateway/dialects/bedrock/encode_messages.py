"""Encodes a conversation for Converse: user and assistant alternate, and no block is empty."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from llm_gateway.canonical import CacheMark, Image, Message, Part, Reasoning, Refusal, Request, Text, ToolCall
from llm_gateway.dialects.bedrock.encode_format import TOOL_NAME
from llm_gateway.dialects.bedrock.models import Family
from llm_gateway.dialects.common.call_arguments import raw_object
from llm_gateway.errors import InvalidRequest

Block = dict[str, Any]

_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}


class Turns:
    """Encodes the messages of one request for one family. Only signatures of `provider` are sent back. If `tools` is
    false, the request offers no tools, and calls and results are sent as text."""

    def __init__(self, family: Family, provider: str, *, tools: bool) -> None:
        self._family = family
        self._provider = provider
        self._tools = tools

    def system(self, request: Request) -> list[Block]:
        """Returns the text of all system messages, wherever they stand: Converse has one place for it."""
        return [
            block
            for message in request.messages
            if message.role == "system"
            for part in message.content
            if isinstance(part, Text)
            for block in self._text(part, "system")
        ]

    def turns(self, request: Request, opening: list[Block]) -> list[dict[str, Any]]:
        """Returns the turns, with `opening` at the start of the first one.

        Raises:
            InvalidRequest: there are none, or the first is an assistant's.
        """
        turns: list[dict[str, Any]] = [{"role": "user", "content": list(opening)}] if opening else []
        names = {} if self._tools else {call.id: call.name for call in calls_in(request)}
        for message in request.messages:
            if message.role == "system":
                continue
            blocks = list(self._blocks(message, names))
            role = "assistant" if message.role == "assistant" else "user"
            if not blocks:
                continue  # Bedrock refuses blank text, and a turn without any content
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += blocks
            else:
                turns.append({"role": role, "content": blocks})
        if not turns:
            raise InvalidRequest("messages: nothing in them has any content", param="messages")
        if turns[0]["role"] == "assistant":
            raise InvalidRequest("messages: the conversation must begin with a user's message", param="messages")
        return turns

    def _blocks(self, message: Message, names: dict[str, str]) -> Iterator[Block]:
        if message.role != "tool":
            for part in message.content:
                yield from self._part(part)
        elif self._tools:
            yield from self._result(message)
        else:
            name = names.get(message.tool_call_id or "", "tool")
            verb = "failed" if message.is_error else "answered"
            yield {"text": f"The tool {name} {verb}: {message.text()}"}
            yield from (self._image(part) for part in message.content if isinstance(part, Image))

    def _part(self, part: Part) -> Iterator[Block]:
        match part:
            case Text():
                yield from self._text(part, "messages")
            case Refusal() if not _blank(part.text):
                yield {"text": part.text}
            case Image():
                yield self._image(part)
                yield from self.point(part.cache, "messages")
            case ToolCall() if self._tools:
                yield {"toolUse": {"toolUseId": call_id(part.id), "name": _name(part), "input": _input(part)}}
                yield from self.point(part.cache, "messages")
            case ToolCall():
                yield {"text": f"The tool {part.name} was called with {part.arguments}"}
            case Reasoning():
                yield from self._reasoning(part)
            case _:
                return

    def _reasoning(self, part: Reasoning) -> Iterator[Block]:
        """Yields a thought if this provider signed it and the family checks signatures."""
        if not part.signature or part.provider != self._provider or self._family.thinking in (None, "effort"):
            return
        if part.redacted:
            yield {"reasoningContent": {"redactedContent": part.signature}}
        else:
            yield {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}

    def _text(self, part: Text, place: str) -> Iterator[Block]:
        if not _blank(part.text):
            yield {"text": part.text}
            yield from self.point(part.cache, place)

    def _result(self, message: Message) -> Iterator[Block]:
        content: list[Block] = []
        for part in message.content:
            if isinstance(part, Text) and not _blank(part.text):
                content.append({"text": part.text})
            elif isinstance(part, Image):
                content.append(self._image(part))
        result: Block = {"toolUseId": call_id(message.tool_call_id or ""), "content": content}
        if message.is_error:
            if self._family.result_status:
                result["status"] = "error"
            else:
                content.insert(0, {"text": "The tool failed."})
        yield {"toolResult": result}
        for part in reversed(message.content):
            if isinstance(part, Text | Image) and part.cache:
                yield from self.point(part.cache, "messages")
                return

    def _image(self, image: Image) -> Block:
        if not self._family.images:
            raise InvalidRequest("messages: this model takes no images", param="messages", code="unsupported_parameter")
        if image.data is None:
            raise InvalidRequest(
                "messages: Bedrock takes images as data, not as an address",
                param="messages",
                code="image_url_unsupported",
            )
        format_ = _FORMATS.get((image.media_type or "").lower())
        if format_ is None:
            raise InvalidRequest(
                "messages: an image must be a png, jpeg, gif or webp", param="messages", code="image_format_unsupported"
            )
        return {"image": {"format": format_, "source": {"bytes": image.data}}}

    def point(self, mark: CacheMark | None, place: str) -> Iterable[Block]:
        """Returns the cache point for `mark`, or nothing if the family takes none at `place`."""
        if mark is None or place not in self._family.caching:
            return ()
        lasting = {"ttl": mark} if mark == "1h" and self._family.hour else {}
        return ({"cachePoint": {"type": "default", **lasting}},)


def calls_in(request: Request) -> Iterator[ToolCall]:
    """Yields the tool calls of the conversation."""
    for message in request.messages:
        for part in message.content:
            if isinstance(part, ToolCall):
                yield part


def call_id(id_: str) -> str:
    """Returns `id_` if it is valid for Bedrock, else an id derived from its hash, so that call and result still
    match."""
    if TOOL_NAME.fullmatch(id_):
        return id_
    return "call_" + hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _name(call: ToolCall) -> str:
    if not TOOL_NAME.fullmatch(call.name):
        raise InvalidRequest(
            f"messages: Bedrock takes no tool named '{call.name[:80]}': letters, digits, _ and -, at most 64",
            param="messages",
        )
    return call.name


def _input(call: ToolCall) -> msgspec.Raw:
    """Returns a call's arguments as an object, which Converse requires."""
    found = raw_object(call.arguments)
    if found is None:
        raise InvalidRequest(
            f"messages: the arguments of the call '{call.id[:80]}' are no JSON object", param="messages"
        )
    return found


def _blank(text: str) -> bool:
    return not text or text.isspace()
