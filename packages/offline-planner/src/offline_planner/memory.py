"""The passages that the agent found in the user's memory and wrote into the system prompt, between `<memoria>` lines.

They are quoted data: each is a JSON object with `source` and `text` on a line of its own, and is only ever quoted.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

_OPEN, _CLOSE = "<memoria>", "</memoria>"
_MOST = 3
_LONGEST = 600
_SEARCHED = 65_536


class Passage(msgspec.Struct, frozen=True, gc=False):
    """One passage; `source` may be empty."""

    text: str
    source: str = ""


class _Line(msgspec.Struct):
    text: str
    source: str | None = None


def passages(prompts: Iterable[str]) -> list[Passage]:
    """Returns the passages of the last block in the prompts, the nearest first."""
    for prompt in prompts:
        start = prompt[-_SEARCHED:].rfind("\n" + _OPEN + "\n")
        if start < 0:
            continue
        lines = prompt[-_SEARCHED:][start + len(_OPEN) + 2 :].split("\n")
        found: list[Passage] = []
        for line in lines:
            if line.strip() == _CLOSE:
                return found[:_MOST]
            try:
                one = msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:
                continue
            found.append(Passage(one.text[:_LONGEST] + ("…" if len(one.text) > _LONGEST else ""), one.source or ""))
    return []
