"""Parses the `input` items of a request into messages.

An assistant's turn is several items (thoughts, a message, calls), which are joined into one message: providers need a
call together with the thought that led to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from llm_gateway.canonical import CacheMark, Image, Message, Part, Reasoning, Refusal, Role, Text, ToolCall
from llm_gateway.dialects.common.cache_control import mark_of
from llm_gateway.dialects.common.signatures import is_redacted, unwrap
from llm_gateway.dialects.openai_responses import wire
from llm_gateway.errors import InvalidRequest

_PROVIDER = "openai"
"""The provider of encrypted thoughts that name none (see `common.signatures`)."""


def messages_of(sent: str | list[wire.InputItem], instructions: str | None) -> tuple[Message, ...]:
    """Returns the messages; `instructions` are the first one.

    Raises:
        InvalidRequest: there is no item, an item lacks a field, or a result has no call; names the field.
    """
    before = [Message(role="system", content=(Text(text=instructions),))] if instructions else []
    if isinstance(sent, str):
        return (*before, Message(role="user", content=(Text(text=sent),)))
    if not sent:
        raise InvalidRequest("input: at least one item is needed", param="input")
    turns = _Turns()
    for number, item in enumerate(sent):
        turns.add(item, f"input[{number}]")
    return (*before, *turns.close())


class _Turns:
    """Collects messages; an assistant's message stays open while its items come."""

    def __init__(self) -> None:
        self._turns: list[Message] = []
        self._open: list[Part] = []
        self._calls: set[str] = set()

    def add(self, item: wire.InputItem, at: str) -> None:
        match item.type:
            case "message":
                self._message(item, at)
            case "reasoning":
                self._open.append(_reasoning(item, at))
            case "function_call":
                self._open.append(self._call(item, at))
            case "function_call_output":
                self._output(item, at)
            case "item_reference":
                raise InvalidRequest(
                    f"{at}.type: nothing is stored here that an item_reference could mean: send the item itself",
                    param=f"{at}.type", code="unsupported_parameter",
                )  # fmt: skip

    def close(self) -> list[Message]:
        if self._open:
            self._turns.append(Message(role="assistant", content=tuple(self._open)))
            self._open = []
        return self._turns

    def _message(self, item: wire.InputItem, at: str) -> None:
        if item.role is None:
            raise _missing(f"{at}.role")
        if item.content is None:
            raise _missing(f"{at}.content")
        content = parts_of(item.content, f"{at}.content")
        if item.role != "assistant":
            role: Role = "user" if item.role == "user" else "system"
            self.close().append(Message(role=role, content=content))
            return
        # After another message it begins a new turn; after a thought or a call it continues that turn.
        if self._open and isinstance(self._open[-1], Text | Refusal | Image):
            self.close()
        self._open += content

    def _call(self, item: wire.InputItem, at: str) -> ToolCall:
        for name in ("call_id", "name"):
            if not getattr(item, name):
                raise _missing(f"{at}.{name}")
        self._calls.add(item.call_id or "")
        return ToolCall(id=item.call_id or "", name=item.name or "", arguments=item.arguments or "")

    def _output(self, item: wire.InputItem, at: str) -> None:
        if not item.call_id:
            raise _missing(f"{at}.call_id")
        if item.call_id not in self._calls:
            text = f"{at}.call_id: no function_call before it has the call_id '{item.call_id[:100]}'"
            raise InvalidRequest(text, param=f"{at}.call_id")
        if item.output is None:
            raise _missing(f"{at}.output")
        content = parts_of(item.output, f"{at}.output")
        self.close().append(Message(role="tool", content=content, tool_call_id=item.call_id))


def parts_of(content: str | list[wire.InputPart], at: str) -> tuple[Part, ...]:
    """Returns the parts of a message or of a tool's result."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(part, f"{at}[{number}]") for number, part in enumerate(content))


def _part(part: wire.InputPart, at: str) -> Part:
    match part:
        case wire.InputText():
            return Text(text=part.text, cache=_mark(part))
        case wire.OutputText():
            return Text(text=part.text)
        case wire.RefusalText():
            return Refusal(text=part.refusal)
        case wire.InputImage():
            return _image(part, at)
        case _:
            kind = part.__struct_config__.tag
            raise InvalidRequest(
                f"{at}.type: parts of type '{kind}' are not supported here", param=f"{at}.type",
                code="unsupported_parameter",
            )  # fmt: skip


def _image(part: wire.InputImage, at: str) -> Image:
    if part.image_url is None:
        if part.file_id is None:
            raise _missing(f"{at}.image_url")
        raise InvalidRequest(
            f"{at}.file_id: files are not stored here: send the image as image_url", param=f"{at}.file_id",
            code="unsupported_parameter",
        )  # fmt: skip
    detail = "high" if part.detail == "original" else part.detail
    if not part.image_url.startswith("data:"):
        return Image(url=part.image_url, detail=detail, cache=_mark(part))
    head, comma, data = part.image_url.removeprefix("data:").partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest(f"{at}.image_url: a data URL must be base64", param=f"{at}.image_url")
    return Image(data=data, media_type=head.removesuffix(";base64"), detail=detail, cache=_mark(part))


def _mark(part: wire.InputText | wire.InputImage) -> CacheMark | None:
    """Returns the cache mark of a part, in OpenAI's or Anthropic's form. OpenAI's half an hour becomes five minutes."""
    if part.prompt_cache_breakpoint is not None:
        return "1h" if part.prompt_cache_breakpoint.ttl == "12h" else "5m"
    return mark_of(part.cache_control)


def _reasoning(item: wire.InputItem, at: str) -> Reasoning:
    text = _thought(item.summary or (), item.content, at)
    if not item.encrypted_content:
        return Reasoning(text=text)
    provider, signature = unwrap(item.encrypted_content, _PROVIDER)
    return Reasoning(text=text, signature=signature, provider=provider, redacted=is_redacted(item.encrypted_content))


def _thought(summary: Iterable[wire.SummaryText], content: str | list[wire.InputPart] | None, at: str) -> str:
    """Returns the full text of a thought, or its summary."""
    if isinstance(content, str):
        raise InvalidRequest(f"{at}.content: must be a list of parts", param=f"{at}.content")
    whole = [part.text for part in content or () if isinstance(part, wire.ReasoningText)]
    return "".join(whole) or "\n\n".join(part.text for part in summary)


def _missing(field: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: needed here", param=field)
