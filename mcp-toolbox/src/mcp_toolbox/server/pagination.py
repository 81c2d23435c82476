"""Long lists, a page at a time.

A cursor says after which name the next page begins, so that what comes or goes between two pages moves nothing else:
no entry that stays is skipped or listed twice. To clients it is opaque (MCP 2025-11-25, Pagination).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_toolbox.server.results import complete

PAGE_SIZE = 200
"""Entries of one page. Not every client asks for a second one, so a catalog of a common size fits the first."""

_MARK = b"after:"
_LONGEST = 2048

Entry = TypeVar("Entry")


class Page(NamedTuple):
    """A page's entries, and the cursor of the next page or None."""

    entries: list[dict[str, object]]
    cursor: str | None

    def answer(self, field: str) -> dict[str, object]:
        """The result of a list request, whose entries are called `field`."""
        more = {} if self.cursor is None else {"nextCursor": self.cursor}
        return complete({field: self.entries, **more})


def page_of(
    entries: Iterable[Entry],
    cursor: str | None,
    *,
    key: Callable[[Entry], str],
    to_wire: Callable[[Entry], dict[str, object]],
    size: int = PAGE_SIZE,
) -> Page:
    """The page of `entries`, which are in the order of `key`, that `cursor` points to (None: the first).

    Raises:
        MCPError: INVALID_PARAMS for a cursor that is none of ours.
    """
    after = None if cursor is None else _name(cursor)
    listed: list[dict[str, object]] = []
    last = ""
    for entry in entries:
        name = key(entry)
        if after is not None and name <= after:
            continue
        if len(listed) == size:
            return Page(listed, _cursor(last))
        listed.append(to_wire(entry))
        last = name
    return Page(listed, None)


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(_MARK + name.encode()).decode()


def _name(cursor: str) -> str:
    try:
        if len(cursor) <= _LONGEST:
            plain = base64.b64decode(cursor, b"-_", validate=True)
            if plain.startswith(_MARK):
                return plain.removeprefix(_MARK).decode()
    except (binascii.Error, ValueError):
        pass
    raise MCPError(code=INVALID_PARAMS, message="Invalid cursor: ask for the list from its beginning")
