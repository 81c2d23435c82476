"""Reading a whole event stream."""

from __future__ import annotations

from typing import Any

import msgspec


def events(body: bytes | str) -> list[Any]:
    """The data of a whole event stream, parsed; `[DONE]` as it is, comments and names left out."""
    text = body.decode() if isinstance(body, bytes) else body
    assert text.endswith("\n\n"), f"the stream does not end with a whole event: {text[-200:]!r}"
    data = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [item if item == "[DONE]" else msgspec.json.decode(item) for item in data]
