from __future__ import annotations

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.limits import MAX_TEXT
from mcp_toolbox.registry.tools import ToolRegistry


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HOLA MUNDO", 2),
        ("", 0),
        ("   \n\t ", 0),
        ("¿Qué tal, señor?", 3),
        ("well-known don't", 2),
        ("uno\ndos\ttres\u00a0cuatro\u2003cinco", 5),
        ("hola — mundo", 2),
        ("👋 hola 👋", 1),
        ("... !!! ---", 0),
        ("3 manzanas y 2,5 peras", 5),
        ("e\u0301l", 1),
        ("привет мир", 2),
        ("日本語 テスト", 2),
    ],
)
async def test_a_word_has_a_letter_or_a_digit(registry: ToolRegistry, text: str, words: int):
    answer = await registry.call("count_words", {"text": text})
    assert (answer.text, answer.structured) == (str(words), {"result": words})


async def test_the_longest_text_is_taken_and_one_more_character_is_not(registry: ToolRegistry):
    assert (await registry.call("count_words", {"text": "a " * (MAX_TEXT // 2)})).text == str(MAX_TEXT // 2)
    with pytest.raises(InvalidArgumentsError):
        await registry.call("count_words", {"text": " " * (MAX_TEXT + 1)})
