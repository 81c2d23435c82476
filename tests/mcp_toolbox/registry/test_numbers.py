from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.numbers import Number, context, from_json, to_json, to_text
from pydantic import TypeAdapter, ValidationError

number = TypeAdapter(Number)
doubles = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(min_value=-(10**308), max_value=10**308)


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        (8, "8", 8),
        (8.0, "8", 8),
        (-0.0, "0", 0),
        (0.3, "0.3", 0.3),
        (-12.50, "-12.5", -12.5),
        (100, "100", 100),
        (1e3, "1000", 1000),
        (2**53 + 1, "9007199254740993", 9007199254740993),
        (10**30, "1" + "0" * 30, 10**30),
        (1e20, "100000000000000000000", 10**20),
        (1e-6, "0.000001", 1e-6),
        (1.5e-7, "1.5e-7", 1.5e-7),
        (1.5e300, "1.5e+300", 1.5e300),
        (-1e300, "-1e+300", -1e300),
        (5e-324, "5e-324", 5e-324),
        (1.7976931348623157e308, "1.7976931348623157e+308", 1.7976931348623157e308),
    ],
)
def test_a_number_reads_as_people_write_it(value: float, text: str, data: float):
    decimal = number.validate_python(value)
    assert to_text(decimal) == text
    assert to_json(decimal) == data
    assert type(to_json(decimal)) is type(data)


@pytest.mark.parametrize("value", [True, False, "5", None, [], {}, b"5", 5j])
def test_what_is_not_a_number_is_refused(value: object):
    with pytest.raises(ValidationError) as error:
        number.validate_python(value)
    assert error.value.errors()[0]["type"] == "number_type"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**309, -(10**400)])
def test_what_no_double_can_hold_is_refused(value: float):
    with pytest.raises(ValidationError) as error:
        number.validate_python(value)
    assert error.value.errors()[0]["type"] == "number_range"


@pytest.mark.parametrize("value", [Decimal("1e309"), Decimal("-1e400"), Decimal("1e-400"), Decimal(10**309)])
def test_a_result_that_no_double_can_hold_is_a_failure(value: Decimal):
    with pytest.raises(ToolFailedError, match="outside the range"):
        to_json(value)


@given(doubles)
def test_a_double_comes_back_as_it_was(value: float):
    decimal = from_json(value)
    assert float(to_json(decimal)) == value
    assert float(to_text(decimal)) == value


@given(integers)
def test_an_integer_keeps_every_digit(value: int):
    assert to_text(from_json(value)) == str(value)
    assert to_json(from_json(value)) == value


@given(doubles | integers, doubles | integers)
def test_arithmetic_never_rounds(a: float, b: float):
    # The context raises `Inexact` if it ever has to round.
    left, right = from_json(a), from_json(b)
    assert context().subtract(context().add(left, right), right) == left
    context().multiply(left, right)
