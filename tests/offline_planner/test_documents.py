"""What the documents show is answered as they say: every question in them, and every example of the planner's page."""

from __future__ import annotations

import re

import pytest
from offline_planner import Message, Request, Text, ToolCall, plan

from tests.docs.repository import ROOT, files
from tests.offline_planner.corpus import Sentence, hold
from tests.offline_planner.toolsets import TOOLSETS

PAGE = ROOT / "docs" / "offline-planner.md"
ASKED = re.compile(r'"(?:input|content)": "([^"{}]+)"|\bask\("([^"]+)"\)')
# The gateway takes the choice of a model out of the question before a model sees it.
CHOICE = re.compile(r"^(?:usa|use) (?:gemini|openai|bedrock|offline), ")
ALL = tuple({item.tool.name: item for tools in ("builtin", "packs", "files") for item in TOOLSETS[tools]}.values())
TALK = ("Puedo usar:", "I can use:")


def questions() -> list[str]:
    """Returns the questions that the documents ask the suite."""
    found = {
        CHOICE.sub("", next(filter(None, groups)))
        for document in files("*.md")
        if "tests" not in document.parts and "CHANGELOG" not in document.name
        for groups in ASKED.findall(document.read_text())
    }
    return sorted(found)


def rows() -> list[tuple[str, str]]:
    """Returns the examples of the page's table with the kind that their row names."""
    table = re.findall(r"^\| ([a-z ]+?) \| (`.*) \|$", PAGE.read_text(), re.MULTILINE)
    return [(kind, example) for kind, cells in table for example in re.findall(r"`([^`…]+)`", cells)]


def asked() -> list[str]:
    """Returns the examples of what the page says is asked, or not done for several things."""
    page = " ".join(PAGE.read_text().split())
    sentences = re.findall(r"(?:reach further is asked|not called for several): (.*?)(?:\(a quantity|\. )", page)
    return [example for sentence in sentences for example in re.findall(r"`([^`]+)`", sentence)]


def test_the_documents_have_examples() -> None:
    assert {"suma 10 y 5", "multiplica 7 por 8"} <= set(questions())
    assert len(rows()) >= 15 and len(asked()) >= 6
    assert {"sums", "texts", "steps", "any tool", "itself"} <= {kind for kind, _ in rows()}


@pytest.mark.parametrize("question", questions())
def test_every_question_in_the_documents_is_answered(question) -> None:
    request = Request(
        messages=(Message(role="user", content=(Text(question),)),), tools=tuple(item.tool for item in ALL)
    )
    parts = plan(request).content
    calls = [part for part in parts if isinstance(part, ToolCall)]
    said = "".join(part.text for part in parts if isinstance(part, Text))
    assert calls or any(mark in said for mark in TALK), said


@pytest.mark.parametrize(("kind", "example"), rows(), ids=[example for _, example in rows()])
def test_every_example_of_the_planners_page_is_understood(monkeypatch, kind, example) -> None:
    monkeypatch.setitem(TOOLSETS, "all", ALL)
    turns = ("suma 10 y 5", example) if kind == "what was said before" else (example,)
    held = hold(Sentence(turns, "all", "es", (), "asks"))
    assert bool(held.calls) != (kind == "itself"), held.text
    assert held.calls or any(mark in held.text for mark in TALK)


@pytest.mark.parametrize("example", asked())
def test_what_the_page_says_is_asked_calls_nothing(example) -> None:
    held = [hold(Sentence((example,), tools, "es", (), "asks")) for tools in ("builtin", "files", "odd")]
    assert [one.calls for one in held] == [[], [], []]
