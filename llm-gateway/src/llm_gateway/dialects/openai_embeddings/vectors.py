"""Vectors in OpenAI's base64 form: single-precision floats, little-endian."""

from __future__ import annotations

import binascii
import sys
from array import array
from collections.abc import Sequence
from math import isfinite


def packed(vector: Sequence[float]) -> str:
    """Returns `vector` as base64."""
    single = vector if isinstance(vector, array) and vector.typecode == "f" else array("f", vector)
    return binascii.b2a_base64(_little_endian(single).tobytes(), newline=False).decode("ascii")


def unpacked(text: str) -> Sequence[float]:
    """Returns the vector in base64 `text`; raises ValueError if it is not one."""
    single = array("f")
    single.frombytes(binascii.a2b_base64(text, strict_mode=True))
    vector = _little_endian(single)
    if not isfinite(sum(vector)):
        raise ValueError("a vector with numbers that are none")
    return vector


def _little_endian(vector: array[float]) -> array[float]:
    if sys.byteorder == "little":
        return vector
    swapped = array("f", vector)
    swapped.byteswap()
    return swapped
