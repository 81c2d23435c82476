"""How far the plan has got: which of its calls were made, with what result, and which can be made now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from .cards import Card
from .conversation import ToolCall
from .plan import Call, Earlier, Plan
from .transcript import Executed, Transcript, number, only_number, plain, plain_number

# Numbers go out as they were read, digit for digit, as JSON numbers.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Progress:
    """The plan laid over the conversation. A call is known again by its id, or, when the client changed that, by
    its tool and arguments."""

    def __init__(self, plan: Plan, transcript: Transcript) -> None:
        self._plan = plan
        self._transcript = transcript
        self._made: list[Executed | None] = []
        self._unclaimed = list(transcript.executed)
        for index, call in enumerate(plan.calls):
            self._made.append(self._claim(index, call) if self._unclaimed else None)

    @property
    def unplanned(self) -> list[Executed]:
        """Calls that this plan would not have made: another model began the work."""
        return self._unclaimed

    def made(self, index: int) -> Executed | None:
        """What became of the planned call `index`, None when it was not made."""
        return self._made[index]

    def ready(self) -> list[ToolCall]:
        """The calls that can be made now: not made yet, and all that they need has succeeded."""
        found: list[ToolCall] = []
        for index, call in enumerate(self._plan.calls):
            arguments = self.arguments(index) if self._made[index] is None else None
            if arguments is not None:
                text = _ENCODER.encode(arguments).decode()
                found.append(ToolCall(id=self._transcript.call_id(index), name=call.card.name, arguments=text))
        return found

    def arguments(self, index: int) -> dict[str, Any] | None:
        """The call's arguments with earlier results put in, or None while one of those is missing."""
        call = self._plan.calls[index]
        kinds = {parameter.name: parameter.kind for parameter in call.card.parameters}
        resolved: dict[str, Any] = {}
        for name, value in call.arguments.items():
            found = self._resolve(value, kinds.get(name, "any"))
            if found is None:
                return None
            resolved[name] = found
        return resolved

    def text_of(self, earlier: Earlier) -> str | None:
        """The result that a reference stands for, without the JSON around it."""
        if earlier.index < 0:
            return self._transcript.history
        made = self._made[earlier.index] if earlier.index < len(self._made) else None
        return None if made is None or made.failed or made.text is None else plain(made.text)

    def _resolve(self, value: Any, kind: str) -> Any:
        if isinstance(value, list):
            items = [self._resolve(item, "any") for item in value]
            return None if None in items else items
        if isinstance(value, dict):
            inner = {name: self._resolve(item, "any") for name, item in value.items()}
            return None if None in inner.values() else inner
        if isinstance(value, Decimal):
            return f"{value:f}" if kind == "string" else plain_number(value)
        if not isinstance(value, Earlier):
            return value
        text = self.text_of(value)
        if text is None or kind == "string":
            return text
        amount = number(text)
        if amount is None and kind in ("number", "integer"):
            return only_number(text)
        return text if amount is None else amount

    def _claim(self, index: int, call: Call) -> Executed | None:
        wanted = self._transcript.call_id(index)
        found = next((item for item in self._unclaimed if item.call.id == wanted), None)
        if found is None:
            arguments = self.arguments(index)
            same = [item for item in self._unclaimed if item.call.name == call.card.name]
            found = next((item for item in same if _parsed(item.call.arguments) == arguments), None)
        if found is not None:
            self._unclaimed.remove(found)
        return found


def _parsed(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return arguments


def describe_tool(card: Card) -> str:
    """The tool's name with its parameters, as a person would call it."""
    return f"{card.name}({', '.join(parameter.name for parameter in card.parameters)})"
