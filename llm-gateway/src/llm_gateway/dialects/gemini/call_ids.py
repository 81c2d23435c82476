"""Ids of tool calls, which every client needs and older Gemini models do not give."""

from __future__ import annotations

_MADE = "gwcall_"


def generated_id(response_id: str | None, choice: int, number: int) -> str:
    """An id for call `number` of a choice: the same for the same answer, and unique within it."""
    return f"{_MADE}{response_id or 'gemini'}_{choice}_{number}"


def id_field(id_: str) -> dict[str, str]:
    """`id_` as a field, or nothing when it was we who made it."""
    return {} if id_.startswith(_MADE) or not id_ else {"id": id_}
