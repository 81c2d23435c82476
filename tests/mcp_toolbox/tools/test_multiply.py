from __future__ import annotations

import pytest
from mcp_toolbox.registry.tools import ToolRegistry


@pytest.mark.parametrize(
    ("a", "b", "text", "result"),
    [
        (7, 8, "56", 56),
        (25, 8, "200", 200),
        (1.1, 3, "3.3", 3.3),
        (1.1, 1.1, "1.21", 1.21),
        (2.5, 4, "10", 10),
        (-3, 0.5, "-1.5", -1.5),
        (-1, 0, "0", 0),
        (123456789012345678901234567890, 10, "1234567890123456789012345678900", 1234567890123456789012345678900),
        (1e200, 1e100, "1e+300", 1e300),
        (1e-200, 1e-100, "1e-300", 1e-300),
    ],
)
async def test_the_product_is_exact(registry: ToolRegistry, a: float, b: float, text: str, result: float):
    answer = await registry.call("multiply", {"a": a, "b": b})
    assert (answer.text, answer.structured, answer.is_error) == (text, {"result": result}, False)


@pytest.mark.parametrize(("a", "b"), [(1e200, 1e200), (-1e200, 1e200), (1e-200, 1e-200), (10**200, 10**200)])
async def test_a_product_out_of_range_is_a_failure(registry: ToolRegistry, a: float, b: float):
    assert (await registry.call("multiply", {"a": a, "b": b})).is_error
