"""Names of other servers' tools, `server__tool`, which are the same at every start.

MCP allows 128 characters (its tool names, revision 2025-11-25), but the models that read these names accept 64, and
only ASCII letters, digits, `_` and `-`. Other characters are replaced, and where two names could become equal, a part
of a hash of the whole name is added.
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
    """Returns the prefix of each server. A prefix does not contain two underscores in a row or end with one, so that
    the first two in a tool's name always end the prefix, and tools of two servers never have the same name."""
    return _distinct({server: re.sub(r"_+", "_", _plain(server)).strip("_") for server in servers}, _MAX_PREFIX)


def tool_names(prefix: str, tools: Iterable[str]) -> dict[str, str]:
    """Returns the name that each tool of a server has in the toolbox."""
    room = MAX_NAME - len(prefix) - len(_SEPARATOR)
    return {
        tool: f"{prefix}{_SEPARATOR}{name}"
        for tool, name in _distinct({tool: _plain(tool) for tool in tools}, room).items()
    }


def _plain(name: str) -> str:
    return _FOREIGN.sub("_", name)


def _distinct(plain: dict[str, str], room: int) -> dict[str, str]:
    """Returns the plain form of each name, with a hash where it is empty, too long, or not unique."""
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
