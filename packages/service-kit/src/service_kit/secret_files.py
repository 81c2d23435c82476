"""Secrets from files: `NAME_FILE` names a file that holds what `NAME` would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

LARGEST_SECRET = 64 * 1024
"""Bytes; a larger file is no secret but a slip."""


class SecretFileError(Exception):
    """A file of a secret cannot be used; the message names variable and path, and shows nothing of the content."""


def with_secret_files(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """`environ` with the content of the file that `NAME_FILE` names as `NAME`, for each of `names`.

    The line's end after a secret is no part of it. An empty variable counts as unset.

    Raises:
        SecretFileError: both are set, or the file cannot be read, is empty, too large or no text.
    """
    found = dict(environ)
    for name in sorted(names):
        variable = f"{name}_FILE"
        path = found.pop(variable, "").strip()
        if not path:
            continue
        if found.get(name, "").strip():
            raise SecretFileError(f"{variable}: {name} is set too; leave one of them out")
        found[name] = _read(variable, path)
    return found


def _read(variable: str, path: str) -> str:
    file = Path(path).expanduser()
    try:
        if file.exists() and not file.is_file():
            raise SecretFileError(f"{variable}: {path} is not a file")
        with file.open("rb") as opened:
            content = opened.read(LARGEST_SECRET + 1)
    except (OSError, ValueError) as error:  # the latter for a path that no file can have
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise SecretFileError(f"{variable}: {path} cannot be read: {reason}") from None
    if len(content) > LARGEST_SECRET:
        raise SecretFileError(f"{variable}: {path} is larger than {LARGEST_SECRET} bytes")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{variable}: {path} is not UTF-8 text") from None
    if not secret.strip():
        raise SecretFileError(f"{variable}: {path} is empty")
    if "\x00" in secret:
        raise SecretFileError(f"{variable}: {path} is not text")
    return secret
