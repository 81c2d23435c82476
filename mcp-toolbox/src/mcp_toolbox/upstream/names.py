"""Names of other servers' tools, `server__tool`, which are the same at every start.

MCP allows 128 characters (its tool names, revision 2025-11-25), but the models that read these names accept 64, and
only ASCII letters, digits, `_` and `-`. Accents are dropped and other characters replaced. Where a letter is lost or
two names could become equal, a part of a hash of the whole name is added, so that a name depends little on the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from unicodedata import combining, normalize

MAX_NAME = 64
_MAX_PREFIX = 24
_SEPARATOR = "__"
_HASH_CHARS = 8
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def prefixes(servers: Iterable[str]) -> dict[str, str]:
    """Returns the prefix of each server. A prefix does not contain two underscores in a row or end with one, so that
    the first two in a tool's name always end the prefix, and tools of two servers never have the same name."""
    plain = {server: _plain(server) for server in servers}
    return _distinct(
        {server: (re.sub(r"_+", "_", short).strip("_"), lost) for server, (short, lost) in plain.items()}, _MAX_PREFIX
    )


def tool_names(prefix: str, tools: Iterable[str]) -> dict[str, str]:
    """Returns the name that each tool of a server has in the toolbox."""
    room = MAX_NAME - len(prefix) - len(_SEPARATOR)
    return {
        tool: f"{prefix}{_SEPARATOR}{name}"
        for tool, name in _distinct({tool: _plain(tool) for tool in tools}, room).items()
    }


def _plain(name: str) -> tuple[str, bool]:
    """Returns a name in the characters that models accept, and whether a letter or digit of it is lost."""
    bare = "".join(each for each in normalize("NFKD", name) if not combining(each))
    lost = any(each.isalnum() and not each.isascii() for each in bare)
    return _FOREIGN.sub("_", bare), lost


def _distinct(plain: dict[str, tuple[str, bool]], room: int) -> dict[str, str]:
    """Returns the plain form of each name, with a hash where letters are lost, or it is empty, too long or not
    unique."""
    uses = Counter(short for short, _ in plain.values())
    return {
        name: short
        if short and not lost and len(short) <= room and (uses[short] == 1 or short == name)
        else _marked(name, re.sub(r"_+", "_", short).strip("_") if lost else short, room)
        for name, (short, lost) in plain.items()
    }


def _marked(name: str, short: str, room: int) -> str:
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    return f"{short[: room - _HASH_CHARS - 1].rstrip('_')}_{digest}".lstrip("_")
