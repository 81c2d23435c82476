"""Pagination of long lists.

A cursor names the entry after which the next page begins, so that entries that are added or removed between two pages
do not make others appear twice or not at all. To clients it is opaque (MCP 2025-11-25, Pagination).
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
"""In entries. Not every client asks for a second page, so a registry of a common size fits the first."""

_MARK = b"after:"
_LONGEST = 2048

Entry = TypeVar("Entry")


class Page(NamedTuple):
    """The entries of a page, and the cursor of the next one or None."""

    entries: list[dict[str, object]]
    cursor: str | None

    def answer(self, field: str) -> dict[str, object]:
        """Returns the result of a list request whose entries are in the field `field`."""
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
    """Returns the page of `entries` to which `cursor` points (None: the first). The entries must be sorted by `key`.

    Raises:
        MCPError: INVALID_PARAMS, the cursor was not made here.
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
