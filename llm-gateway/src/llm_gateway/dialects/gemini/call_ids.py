"""Ids of tool calls, which clients need and older Gemini models do not give."""

from __future__ import annotations

_MADE = "gwcall_"


def generated_id(response_id: str | None, choice: int, number: int) -> str:
    """Returns an id for call `number` of a choice, unique within the answer and the same each time it is decoded."""
    return f"{_MADE}{response_id or 'gemini'}_{choice}_{number}"


def id_field(id_: str) -> dict[str, str]:
    """Returns `id_` as a field, or nothing if `generated_id` made it: Gemini does not know it."""
    return {} if id_.startswith(_MADE) or not id_ else {"id": id_}
