"""The text of the servers file, as servers are added to it and taken out of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mcp_toolbox.upstream.editors import plain_json, servers_in

EMPTY = '{"mcpServers": {}}\n'
"""The text of a file without servers."""


class Rewritten(NamedTuple):
    """A file's new text, and whether comments of the old one are lost."""

    text: str
    comments_lost: bool


def with_servers(text: str, entries: Mapping[str, Any]) -> Rewritten:
    """Returns `text`, which is a right servers file, with more servers behind those that stand there."""
    document = json.loads(plain_json(text))
    _, servers = next(iter(servers_in(document)))
    servers.update(entries)
    return _written(text, document)


def without_server(text: str, name: str) -> Rewritten:
    """Returns `text`, which is a right servers file, without the server `name`."""
    document = json.loads(plain_json(text))
    for _, servers in servers_in(document):
        servers.pop(name, None)
    return _written(text, document)


def _written(before: str, document: Any) -> Rewritten:
    return Rewritten(json.dumps(document, ensure_ascii=False, indent=2) + "\n", _has_comments(before))


def _has_comments(text: str) -> bool:
    return "".join(plain_json(text).split()) != "".join(_without_last_commas(text).split())


def _without_last_commas(text: str) -> str:
    """Returns `text` without the commas that its plain form lacks too, so that what is left to differ are comments."""
    plain = plain_json(text)
    return "".join(" " if was == "," and now == " " else was for was, now in zip(text, plain, strict=True))


def replace_file(path: Path, text: str) -> None:
    """Writes `text` in the place of the file at `path`, whole or not at all. Links are followed, and the file's mode is
    kept; a new file is the owner's alone, since a config may hold secrets.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    path = path.resolve()
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".servers-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                temporary.chmod(path.stat().st_mode & 0o777)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
