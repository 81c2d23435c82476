"""Heads of answers that the parser refuses and that HTTP's rules let a recipient read all the same.

httptools (llhttp) refuses every repeated Content-Length and every folded line, which some servers and proxies still
send. Both have one safe reading: equal lengths count once (RFC 9110, 8.6), a fold is a blank (RFC 9112, 5.2).
Lengths that differ, or a length beside chunks, have none: they stay refused, since two readers would disagree on where
the answer ends.
"""

from __future__ import annotations

import re

_END = b"\r\n\r\n"
_FOLD = re.compile(rb"\r\n[ \t]+")
_LENGTH = b"content-length"


def mended(data: bytes) -> bytes | None:
    """Returns `data`, which begins with a whole head, with that head written so that the parser takes it; None where
    nothing about it can be mended."""
    head, end, body = data.partition(_END)
    if not end:
        return None
    first, *lines = _FOLD.sub(b" ", head).split(b"\r\n")
    kept: list[bytes] = []
    lengths: set[bytes] = set()
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and name.lower() == _LENGTH:
            lengths.update(one.strip(b" \t") for one in value.split(b","))
        else:
            kept.append(line)
    if len(lengths) > 1:
        return None
    kept += [_LENGTH + b": " + one for one in lengths]
    again = b"\r\n".join([first, *kept])
    return None if again == head else again + _END + body


def has_end(data: bytes) -> bool:
    """Returns whether `data` has a whole head."""
    return _END in data
