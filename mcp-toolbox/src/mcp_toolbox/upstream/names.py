"""Names of other servers' tools: `server__tool`, the same ones at every start.

MCP allows 128 characters (its tool names, revision 2025-11-25), but the models that read these names take 64, and
neither dots nor anything beyond ASCII. What does not fit is replaced, and where that could mix two tools up, a part
of a hash of the whole name keeps them apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

MAX_NAME = 64
_MAX_PREFIX = 24
_SEPARATOR = "__"
_HASH_CHARS = 8
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def prefixes(servers: Iterable[str]) -> dict[str, str]:
    """The prefix of each server, without two underscores in it or one at its end: so the first two in a tool's name
    always end the prefix, and no two servers can have a name in common."""
    return _distinct({server: re.sub(r"_+", "_", _plain(server)).strip("_") for server in servers}, _MAX_PREFIX)


def tool_names(prefix: str, tools: Iterable[str]) -> dict[str, str]:
    """What each tool of a server is called here."""
    room = MAX_NAME - len(prefix) - len(_SEPARATOR)
    return {
        tool: f"{prefix}{_SEPARATOR}{name}"
        for tool, name in _distinct({tool: _plain(tool) for tool in tools}, room).items()
    }


def _plain(name: str) -> str:
    return _FOREIGN.sub("_", name)


def _distinct(plain: dict[str, str], room: int) -> dict[str, str]:
    """Each name's plain form, marked where it is empty, too long, or another one's too."""
    uses = Counter(plain.values())
    return {
        name: short
        if short and len(short) <= room and (uses[short] == 1 or short == name)
        else _marked(name, short, room)
        for name, short in plain.items()
    }


def _marked(name: str, short: str, room: int) -> str:
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    return f"{short[: room - _HASH_CHARS - 1].rstrip('_')}_{digest}".lstrip("_")
