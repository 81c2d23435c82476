"""An operator's file, read up to a bound."""

from __future__ import annotations

import errno
from pathlib import Path


def read_file(path: Path, most_bytes: int) -> bytes:
    """Returns the content of the file at `path`; one byte more than `most_bytes` of a larger one.

    Raises:
        OSError: it cannot be read, or is no regular file: reading a pipe or a device might never end.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    with path.open("rb") as opened:
        return opened.read(most_bytes + 1)
