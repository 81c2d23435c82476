from __future__ import annotations

import pytest
from mcp_toolbox.registry.tools import ToolRegistry


@pytest.mark.parametrize(
    ("a", "b", "text", "result"),
    [
        (5, 3, "8", 8),
        (5.0, 3, "8", 8),
        (0.1, 0.2, "0.3", 0.3),
        (1.5, 1.5, "3", 3),
        (-5, 3, "-2", -2),
        (-0.0, 0.0, "0", 0),
        (0.1, -0.1, "0", 0),
        (2**53, 1, "9007199254740993", 9007199254740993),
        (10**100, 1, "1" + "0" * 99 + "1", 10**100 + 1),
        (1e300, 1e300, "2e+300", 2e300),
        (1e3, 1, "1001", 1001),
        (1e16, 0.5, "10000000000000000.5", 10000000000000000.5),
        (19.99, 0.01, "20", 20),
    ],
)
async def test_the_sum_is_exact(registry: ToolRegistry, a: float, b: float, text: str, result: float):
    answer = await registry.call("add", {"a": a, "b": b})
    assert (answer.text, answer.structured, answer.is_error) == (text, {"result": result}, False)
    assert answer.structured is not None
    assert type(answer.structured["result"]) is type(result)


async def test_a_sum_out_of_range_is_a_failure(registry: ToolRegistry):
    answer = await registry.call("add", {"a": 1.7e308, "b": 1.7e308})
    assert answer.is_error
    assert "outside the range" in answer.text
