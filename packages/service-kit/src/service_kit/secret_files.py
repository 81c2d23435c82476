"""Secrets from files: the variable `NAME_FILE` names a file that holds the value of `NAME`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

LARGEST_SECRET = 64 * 1024
"""In bytes. A larger file is a mistake, not a secret."""


class SecretFileError(Exception):
    """A secret's file cannot be used. The message names the variable and the path, and contains nothing of the file."""


def with_secret_files(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Returns `environ` in which each of `names` has the content of the file that its `NAME_FILE` names, if that is
    set.

    The line end after a secret is removed, and the byte order mark that some editors put before it. An empty variable
    counts as unset.

    Raises:
        SecretFileError: both variables are set, or the file cannot be read, is empty, too large or not UTF-8 text.
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
    except (
        OSError,
        ValueError,
    ) as error:  # ValueError for a path that no file can have, such as one with a null character
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise SecretFileError(f"{variable}: {path} cannot be read: {reason}") from None
    if len(content) > LARGEST_SECRET:
        raise SecretFileError(f"{variable}: {path} is larger than {LARGEST_SECRET} bytes")
    try:
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{variable}: {path} is not UTF-8 text") from None
    if not secret.strip():
        raise SecretFileError(f"{variable}: {path} is empty")
    if "\x00" in secret:
        raise SecretFileError(f"{variable}: {path} is not text")
    return secret
