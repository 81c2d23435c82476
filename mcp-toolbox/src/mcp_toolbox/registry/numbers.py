"""Exact decimal numbers: 0.1 + 0.2 is 0.3, and 5 + 3 is shown as 8.

JSON has one type of number. It is read as a decimal here: an integer exactly, at any length, and a fraction as its
shortest decimal form (`repr`), which is what was written, up to 17 significant digits. Arithmetic on these decimals
never rounds.

A number must lie within the range of a double (IEEE 754 binary64), because most JSON readers convert it to one (RFC
8259 §6). A number beyond it is refused as an argument, and as a result makes the tool fail.
"""

from __future__ import annotations

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from mcp_toolbox.errors import ToolFailedError

_EXACT_DIGITS = 800
"""Sums of doubles need at most 633 digits (from 1.8e308 down to 4.9e-324), products of two integers 618."""

_PLAIN_DIGITS = 21
"""From 10^21 on, and below 10^-6, a number that is mostly zeros is written with an exponent, as in ECMAScript
(Number::toString, ECMA-262 §6.1.6.1.20)."""


def context() -> Context:
    """Returns a decimal context that raises instead of rounding."""
    return Context(prec=_EXACT_DIGITS, traps=[Inexact, InvalidOperation, Overflow, Clamped, DivisionByZero])


def from_json(value: Any) -> Any:
    """Returns a number of a JSON decoder (int or float) as a Decimal. A boolean is not a number.

    Raises:
        PydanticCustomError: the value is no number, not finite, or beyond the range of a double.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number_type", "Input should be a number")
    try:
        finite = isfinite(value)
    except OverflowError:  # an integer that no double can hold
        finite = False
    if not finite:
        raise PydanticCustomError("number_range", "Input should be a finite number of magnitude below 1.8e308")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


Number = Annotated[Decimal, BeforeValidator(from_json), WithJsonSchema({"type": "number"})]
"""The type of a numeric parameter or result of a tool."""


def to_json(value: Decimal) -> int | float:
    """Returns `value` for a JSON document: an int if it is an integer, else the nearest float.

    Raises:
        ToolFailedError: `value` is beyond the range of a double.
    """
    double = float(value)
    if not isfinite(double) or (double == 0 and value != 0):
        raise ToolFailedError(
            "The result is outside the range of numbers that can be answered (about 5e-324 to 1.8e308)."
        )
    if value == value.to_integral_value() and not _needs_exponent(value):
        return int(value)
    return double


def to_text(value: Decimal) -> str:
    """Returns `value` as people write it: "8", "0.3", "-12.5", "2e+300", with all its digits and no trailing zeros."""
    if value == 0:
        return "0"
    if _needs_exponent(value):
        digits, _, exponent = f"{value:e}".partition("e")
        return f"{_trimmed(digits)}e{exponent}"
    return _trimmed(f"{value:f}")


def _needs_exponent(value: Decimal) -> bool:
    trailing_zeros = value.as_tuple().exponent
    assert isinstance(
        trailing_zeros, int
    )  # always finite: `from_json` accepts nothing else, and the context raises on the rest
    return (trailing_zeros > 0 and value.adjusted() >= _PLAIN_DIGITS) or value.adjusted() < -6


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
