from __future__ import annotations

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.limits import MAX_TEXT
from mcp_toolbox.registry.tools import ToolRegistry


@pytest.mark.parametrize(
    ("text", "upper"),
    [
        ("hola mundo", "HOLA MUNDO"),
        ("señor pingüino", "SEÑOR PINGÜINO"),
        ("straße", "STRASSE"),
        ("ﬁn", "FIN"),
        ("ΑΣ ς", "ΑΣ Σ"),
        ("привет", "ПРИВЕТ"),
        ("e\u0301", "E\u0301"),
        ("日本 123 👋", "日本 123 👋"),
        ("", ""),
        ("  \n\t ", "  \n\t "),
    ],
)
async def test_any_alphabet(registry: ToolRegistry, text: str, upper: str):
    answer = await registry.call("uppercase", {"text": text})
    assert (answer.text, answer.structured) == (upper, {"result": upper})


async def test_the_longest_text_is_taken_and_one_more_character_is_not(registry: ToolRegistry):
    assert (await registry.call("uppercase", {"text": "ß" * MAX_TEXT})).text == "SS" * MAX_TEXT
    with pytest.raises(InvalidArgumentsError) as error:
        await registry.call("uppercase", {"text": "a" * (MAX_TEXT + 1)})
    assert error.value.field == "text"
