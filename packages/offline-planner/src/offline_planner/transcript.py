"""What has happened in the conversation: the question, the calls made for it, and earlier results."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from .conversation import Image, Message, Request, Text, ToolCall

# Tools that report failure in text alone, since OpenAI's format has no flag for it.
_FAILED = re.compile(r"\s*(?:error\b|traceback \(most recent call last\))", re.IGNORECASE)
_RESULT = re.compile(r"-?\d{1,320}(?:\.\d{1,320})?(?:[eE][+-]?\d{1,3})?")
# The end of a sentence in which the planner gave a result; other numbers in an answer may be anything.
_SAID = re.compile(r"(?: es | is |: )(?:«([^«»]{0,2000})»|“([^“”]{0,2000})”|(-?\d{1,320}(?:\.\d{1,320})?))\.?$")
_REMINDER = "<system-reminder>"
_LONGEST_JSON = 65_536
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Executed(msgspec.Struct, gc=False):
    """A call that was made; `text` is its result as the tool gave it, None when none came."""

    call: ToolCall
    text: str | None = None
    failed: bool = False


class Transcript(msgspec.Struct, gc=False):
    """`question` is the last thing that the user said; `executed` the calls after it in their order; `history`
    the last result before it; `before` the messages before it."""

    question: str
    has_image: bool
    executed: list[Executed]
    history: str | None
    before: Sequence[Message]
    prefix: str

    def context(self) -> Iterator[str]:
        """Texts that tell the conversation's language, the nearest of the user's first."""
        yield from (message.text() for message in reversed(self.before) if message.role == "user")
        yield from (message.text() for message in self.before if message.role == "system")

    def call_id(self, index: int) -> str:
        """An id for the planned call `index`: the same each time, and unique within the conversation."""
        return f"{self.prefix}{index:02d}"


def read(request: Request) -> Transcript:
    """The transcript of a request's messages."""
    messages = request.messages
    last = next((i for i in range(len(messages) - 1, -1, -1) if messages[i].role == "user"), None)
    if last is None:
        return Transcript("", False, _executed(messages), None, messages, _prefix("", 0))
    question = _question(messages[last])
    has_image = any(isinstance(part, Image) for part in messages[last].content)
    executed = _executed(messages[last + 1 :])
    before = messages[:last]
    return Transcript(question, has_image, executed, _history(before), before, _prefix(question, last))


def _question(message: Message) -> str:
    """Returns what the user says: without the reminders that coding assistants put into parts of their own."""
    texts = [part.text for part in message.content if isinstance(part, Text)]
    said = [text for text in texts if not text[:200].lstrip().startswith(_REMINDER)]
    return "".join(said or texts)


def _prefix(question: str, place: int) -> str:
    digest = hashlib.blake2b(question.encode("utf-8", "replace"), digest_size=8, salt=place.to_bytes(8, "big"))
    return f"call_{digest.hexdigest()}"


def _executed(messages: Sequence[Message]) -> list[Executed]:
    found: list[Executed] = []
    by_id: dict[str, Executed] = {}
    for message in messages:
        if message.role == "assistant":
            for part in message.content:
                if isinstance(part, ToolCall):
                    executed = Executed(part)
                    found.append(executed)
                    by_id[part.id] = executed
        elif message.role == "tool" and message.tool_call_id in by_id:
            executed = by_id[message.tool_call_id or ""]
            executed.text = message.text()
            executed.failed = message.is_error or _FAILED.match(executed.text) is not None
    return found


def _history(messages: Sequence[Message]) -> str | None:
    """Returns the last result before the question: that of the last turn that had one, if it had one alone."""
    last = next((place for place in range(len(messages) - 1, -1, -1) if messages[place].role == "user"), None)
    if last is None:
        return None
    turn = messages[last:]
    if any(message.role == "tool" for message in turn):
        return _last_result(turn)
    said = next((message.text()[-2_400:] for message in reversed(turn) if message.role == "assistant"), "")
    if "\n" in said.strip():
        return None
    found = _SAID.search(said.strip())
    if found is None:
        return None
    return next(part for part in found.groups() if part is not None)


def _last_result(turn: Sequence[Message]) -> str | None:
    """Returns the result that a turn ended with: of calls that were made at once the only one."""
    place = max(place for place, message in enumerate(turn) if message.role == "tool")
    calls = next((message for message in reversed(turn[:place]) if message.role == "assistant"), None)
    made = [part for part in calls.content if isinstance(part, ToolCall)] if calls is not None else []
    message = turn[place]
    if len(made) > 1 or message.is_error or _FAILED.match(message.text()):
        return None
    return plain(message.text())


def plain(text: str) -> str:
    """A result without the JSON around it: a quoted string, `{"result": 8}`, or MCP's list of text blocks."""
    stripped = text.strip()
    if stripped[:1] not in ('"', "{", "[") or len(stripped) > _LONGEST_JSON:
        return text
    try:
        value: Any = _DECODER.decode(stripped)
    except (msgspec.DecodeError, RecursionError):
        return text
    return _inside(value, text)


def _inside(value: Any, text: str) -> str:
    if isinstance(value, dict) and len(value) == 1 and "result" in value:
        value = value["result"]
    if isinstance(value, list) and value and all(isinstance(i, dict) and i.get("type") == "text" for i in value):
        value = "".join(str(item.get("text", "")) for item in value)
    if isinstance(value, str):
        return value
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if type(value) is int else text


def number(text: str) -> int | Decimal | None:
    """Returns the number that a result is, exactly, or None."""
    stripped = text.strip()
    if len(stripped) > 300 or not _RESULT.fullmatch(stripped):
        return None
    return plain_number(Decimal(stripped))


def plain_number(value: Decimal) -> int | Decimal:
    """Returns an integer where the value is one."""
    return int(value) if value == value.to_integral_value() and value.adjusted() < 310 else value


def only_number(text: str) -> int | Decimal | None:
    """Returns the number of a result that is an object with one number in it, None for any other."""
    stripped = text.strip()
    if not stripped.startswith("{") or len(stripped) > _LONGEST_JSON:
        return None
    try:
        value: Any = _DECODER.decode(stripped)
    except (msgspec.DecodeError, RecursionError):
        return None
    found = [item for item in value.values() if isinstance(item, (int, Decimal)) and not isinstance(item, bool)]
    return plain_number(Decimal(found[0])) if len(found) == 1 else None
