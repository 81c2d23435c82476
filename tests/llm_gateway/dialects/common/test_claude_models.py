from __future__ import annotations

import pytest
from llm_gateway.dialects.common.claude_models import generation_of


@pytest.mark.parametrize(
    ("id_", "version"),
    [
        ("claude-haiku-4-5", (4, 5)),
        ("claude-haiku-4-5-20251001", (4, 5)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-3-opus-20240229", (3, 0)),
        ("claude-opus-4-20250514", (4, 0)),
        ("anthropic/claude-sonnet-4.5", (4, 5)),
        ("claude-sonnet-5", (5, 0)),
        ("claude-fable-5-1", (5, 1)),
        ("Claude-Opus-5-5", (5, 5)),
        ("claude-sonnet-4-5@20250929", (4, 5)),
        ("claude-next", (99, 0)),
        ("MiniMax-M3", None),
        ("", None),
    ],
)
def test_the_version_in_an_id(id_: str, version: tuple[int, int] | None):
    assert generation_of(id_).version == version


@pytest.mark.parametrize(
    ("id_", "adaptive", "sampling", "turns", "always"),
    [
        ("claude-3-haiku-20240307", False, True, False, False),
        ("claude-opus-4-5", False, True, False, False),
        ("claude-opus-4-6", True, True, False, False),
        ("claude-opus-4-7", True, False, False, False),
        ("claude-opus-4-8", True, False, True, False),
        ("claude-sonnet-5", True, False, False, False),
        ("claude-sonnet-5-5", True, False, True, False),
        ("claude-opus-5", True, False, True, False),
        ("claude-opus-5-5", True, False, True, True),
        ("claude-fable-5", True, False, True, True),
        ("MiniMax-M3", False, True, False, False),
    ],
)
def test_what_a_generation_takes(id_: str, adaptive: bool, sampling: bool, turns: bool, always: bool):
    found = generation_of(id_)
    told = (found.adaptive_thinking, found.sampling, found.system_turns, found.always_thinks)
    assert told == (adaptive, sampling, turns, always)


@pytest.mark.parametrize(
    ("id_", "unthinking", "forced"),
    [
        ("claude-sonnet-4-5", "disabled", True),
        ("claude-sonnet-5", "disabled", True),
        ("claude-sonnet-5-5", "between_tools", False),
        ("claude-opus-5-5", "disabled", False),
        ("claude-haiku-5-5", "disabled", True),
        ("claude-next", "disabled", False),
        ("MiniMax-M3", "disabled", True),
    ],
)
def test_not_thinking_and_force(id_: str, unthinking: str, forced: bool):
    assert (generation_of(id_).unthinking, generation_of(id_).forced_tools) == (unthinking, forced)
