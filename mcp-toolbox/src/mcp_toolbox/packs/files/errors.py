"""The errors of the folder."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class FileRefused(Exception):
    """A path, or what is there, cannot be used. `key` and `values` give the text for the model (`tools.TEXTS`)."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


_REASONS = {
    errno.ENOENT: "missing",
    errno.ELOOP: "special",  # O_NOFOLLOW met a link
    errno.ENOTDIR: "missing",  # or a link, where a directory was asked for
    errno.EISDIR: "no_file",
    errno.EEXIST: "exists",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
}


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Translates the system's errors, whose texts would tell where the folder is."""
    try:
        yield
    except OSError as error:
        raise FileRefused(_REASONS.get(error.errno or 0, "failed"), path=path, other=path) from None
