"""Ranking of tools for a query: BM25 over the words of their names, descriptions and parameters.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), sections 3.4 and 3.6
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.search.words import terms

_SATURATION = 1.2
_LENGTH_WEIGHT = 0.4
_NAME, _DESCRIPTION, _PARAMETERS = 3.0, 1.0, 0.5
_WHOLE_NAME = 100.0
"""The score added for a query that is exactly the tool's name."""


class Found(NamedTuple):
    """A tool and its score; scores can be compared only within one search."""

    tool: Tool
    score: float


class ToolIndex:
    """An immutable index over some tools."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = list(tools)
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        weighted = [_weighted(tool) for tool in self._tools]
        lengths = [sum(words.values()) for words in weighted]
        average = sum(lengths) / len(lengths) if lengths and sum(lengths) else 1.0
        for number, words in enumerate(weighted):
            norm = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * lengths[number] / average
            for word, weight in words.items():
                scaled = weight / norm
                self._postings[word].append((number, scaled * (_SATURATION + 1) / (scaled + _SATURATION)))

    def __len__(self) -> int:
        return len(self._tools)

    def search(self, query: str, limit: int, allows: Callable[[Tool], bool] = lambda tool: True) -> list[Found]:
        """Returns the best `limit` tools for `query` that `allows` lets through, best first. Tools that share no word
        with it are left out."""
        scores: dict[int, float] = defaultdict(float)
        for word in dict.fromkeys(terms(query)):
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (len(self._tools) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, weight in postings:
                scores[number] += rarity * weight
        named = query.strip()
        for number, tool in enumerate(self._tools):
            if tool.name == named:
                scores[number] += _WHOLE_NAME
        best = sorted(scores, key=lambda number: (-scores[number], self._tools[number].name))
        found = (Found(self._tools[number], scores[number]) for number in best if allows(self._tools[number]))
        return list(islice(found, limit))


def _weighted(tool: Tool) -> Mapping[str, float]:
    words: Counter[str] = Counter()
    for text, weight in (
        (tool.name, _NAME),
        (tool.hints.title or "", _NAME / 2),
        (tool.description, _DESCRIPTION),
        (" ".join(_of_parameters(tool.input_schema)), _PARAMETERS),
    ):
        for word in terms(text):
            words[word] += weight  # pyright: ignore[reportArgumentType] - a Counter counts in any number
    return words


def _of_parameters(schema: Mapping[str, Any]) -> Iterable[str]:
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, described in properties.items():
            yield str(name)
            if isinstance(described, Mapping) and isinstance(described.get("description"), str):
                yield described["description"]
