"""A tool as the planner sees it: what its name, description and JSON Schema say that it does and takes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from . import tokens as counting
from .concepts import GROUPS, OPERATIONS, WEIGHTS
from .conversation import Tool
from .folding import fold, stem
from .lexicon import NOTHING, look_up
from .schema import Parameter, read_parameters

# A longer definition is analysed each time rather than kept, so that the memory held is bounded.
_KEPT = 16_384
_DESCRIPTION = 240

_NAME_WORD = re.compile(r"[A-ZÁÉÍÓÚÑ]?[a-záéíóúüñ]+|[A-ZÁÉÍÓÚÑ]+(?![a-záéíóúüñ])|\d+")
_SENTENCE_END = re.compile(r"[.:;\n(]")
_WORD = re.compile(r"[^\W\d_]+")

NAME_WORD_WEIGHT = 0.6
DESCRIPTION_WORD_WEIGHT = 0.25


class Card(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What one tool is about.

    `named` are the concepts of its name, `described` those of the first sentence of its description, `options`
    those of its enumerated values; `stems` weigh the words that are no concept. `required_concepts` are those of
    the name that a request should mention; `groups` what the tool does of each of `concepts.GROUPS`. `title` is
    the description's first sentence, for people. `numeric` are the parameters that take one number; `operations`
    the arithmetic that the tool does on two or more. `size` is the definition's length in tokens. Cards are
    compared by identity: `read` gives the same one for the same tool.
    """

    name: str
    title: str
    named: frozenset[str]
    described: frozenset[str]
    options: frozenset[str]
    stems: dict[str, float]
    required_concepts: frozenset[str]
    groups: tuple[frozenset[str], ...]
    parameters: tuple[Parameter, ...]
    numeric: tuple[Parameter, ...]
    operations: frozenset[str]
    size: int


def read(tool: Tool) -> Card:
    """The tool's card; kept for the next request, since a client offers the same tools each time."""
    schema = msgspec.json.encode(tool.parameters, enc_hook=str)
    if len(schema) + len(tool.description) + len(tool.name) > _KEPT:
        return _analyse(tool.name, tool.description, schema)
    return _kept(tool.name, tool.description, schema)


@lru_cache(maxsize=512)
def _kept(name: str, description: str, schema: bytes) -> Card:
    return _analyse(name, description, schema)


def _analyse(name: str, description: str, schema: bytes) -> Card:
    parsed: Any = msgspec.json.decode(schema)
    title = _SENTENCE_END.split(description.strip(), maxsplit=1)[0].strip()[:_DESCRIPTION]
    parameters = read_parameters(parsed)
    named, name_stems = _meaning(_NAME_WORD.findall(name[:_DESCRIPTION]))
    described, description_stems = _meaning(_WORD.findall(title))
    options, option_stems = _meaning(
        [word for item in parameters for option in item.options for word in _NAME_WORD.findall(str(option)[:40])]
    )
    stems = dict.fromkeys(description_stems | option_stems, DESCRIPTION_WORD_WEIGHT)
    stems.update(dict.fromkeys(name_stems, NAME_WORD_WEIGHT))
    size = counting.count(name) + counting.count(description) + len(schema) // 4
    numeric = tuple(item for item in parameters if item.kind in ("number", "integer"))
    operations = _operations(named | options, described, parameters, len(numeric))
    groups = tuple((named | options) & group for group in GROUPS)
    required = frozenset(item for item in named if WEIGHTS[item] >= 0.5)
    return Card(name, title, named, described, options, stems, required, groups, parameters, numeric, operations, size)


def _operations(
    named: frozenset[str], described: frozenset[str], parameters: tuple[Parameter, ...], numeric: int
) -> frozenset[str]:
    takes_list = any(item.kind == "array" and item.items in ("number", "integer", "any") for item in parameters)
    wants_text = any(item.kind == "string" and item.required and not item.options for item in parameters)
    if wants_text or (numeric < 2 and not takes_list):
        return frozenset()
    return named & OPERATIONS or described & OPERATIONS


def _meaning(words: list[str]) -> tuple[frozenset[str], set[str]]:
    """The concepts among the words, and the stems of the others."""
    concepts: set[str] = set()
    stems: set[str] = set()
    for word in words:
        folded = fold(word)
        entry = look_up(folded)
        if entry.concepts:
            concepts.update(entry.concepts)
        elif entry.operation:
            concepts.add(entry.operation)
        elif entry is NOTHING and len(folded) > 2:
            stems.add(stem(folded))
    return frozenset(concepts), stems
