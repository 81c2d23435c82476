"""A YAML file whose mistakes are named by their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec
import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

T = TypeVar("T")

Step = str | int
"""A key of a mapping, or an index of a list."""

_DEEPEST = 100
"""Levels of nesting. The parser of libyaml calls itself for each, and a process without stack left dies."""
_MOST_VALUES = 200_000
"""With every alias counted as often as it is used: a few lines of aliases can stand for billions of values."""

_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class CatalogError(Exception):
    """A catalog that cannot be used; the message says where and why."""


class Document:
    """A file as it was read: `plain` are its values, and every value has a line."""

    def __init__(self, name: str, plain: Any, node: Node) -> None:
        self.name = name
        self.plain = plain
        self._node = node

    def warnings(self) -> Iterator[str]:
        """Yields what YAML itself lets pass: a key that a mapping has twice, of which the last counts."""
        for line, key in _repeated(self._node):
            yield f"{self.name}:{line}: '{key}' is there twice; the last one counts"

    def line(self, steps: tuple[Step, ...]) -> int:
        """Returns the line of what these steps lead to; of its nearest parent when that is not there."""
        node, line = self._node, self._node.start_mark.line
        for step in steps:
            child = _child(node, step)
            if child is None:
                break
            node, line = child
        return line + 1


class Place(NamedTuple):
    """Something in a file; `label` says in words which row it belongs to."""

    document: Document
    steps: tuple[Step, ...] = ()
    label: str = ""

    def at(self, *steps: Step) -> Place:
        """Returns the place that these steps lead to from here."""
        return self._replace(steps=(*self.steps, *steps))

    def mistake(self, message: str) -> CatalogError:
        """Returns the complaint about it, for the caller to raise."""
        whose = f"{self.label}: " if self.label else ""
        return CatalogError(f"{self.document.name}:{self.document.line(self.steps)}: {whose}{message}")


def parse(text: str, name: str) -> Document:
    """Returns the document in `text`, a file called `name`.

    Raises:
        CatalogError: it is empty, or no YAML, or nested too deeply, or its aliases stand for too many values.
    """
    try:
        _check_depth(text, name)
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise CatalogError(f"{name}:1: the file is empty")
        _check_size(node, name)
        plain = _plain(loader, node, name)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(f"{name}:{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"{name}: {error}") from error
    return Document(name, plain, node)


def _check_depth(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise CatalogError(f"{name}:{event.start_mark.line + 1}: it is nested too deeply")
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _check_size(root: Node, name: str) -> None:
    """Refuses a document that holds more than `_MOST_VALUES` once its aliases are written out, or holds itself."""
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, seen = waiting.pop()
        inner = _inner(node)
        if seen:
            opened.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in inner)
            if sizes[id(node)] > _MOST_VALUES:
                raise CatalogError(f"{name}:{node.start_mark.line + 1}: it stands for more than {_MOST_VALUES} values")
        elif id(node) in opened:
            raise CatalogError(f"{name}:{node.start_mark.line + 1}: it holds itself")
        elif id(node) not in sizes:
            opened.add(id(node))
            waiting.append((node, True))
            waiting.extend((child, False) for child in inner)


def _inner(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else []


def _plain(loader: yaml.CSafeLoader, root: Node, name: str) -> Any:
    try:
        return loader.construct_document(root)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        # A scalar that has the form of a date or the tag of a number, and is none; PyYAML tells no line.
        raise CatalogError(f"{name}:{_unreadable_line(root)}: this is not a value of its type") from None


def _unreadable_line(root: Node) -> int:
    waiting, known = [root], {id(root)}
    while waiting:
        node = waiting.pop(0)
        try:
            if isinstance(node, ScalarNode):
                yaml.SafeLoader("").construct_object(node)
        except (ArithmeticError, LookupError, TypeError, ValueError, yaml.YAMLError):
            return node.start_mark.line + 1
        fresh = [child for child in _inner(node) if id(child) not in known]
        known.update(map(id, fresh))
        waiting.extend(fresh)
    return root.start_mark.line + 1


def converted(value: Any, kind: type[T], place: Place) -> T:
    """Returns `value` as `kind`, which stands at `place`.

    Raises:
        CatalogError: it is of another type, or has a field that there is none of.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        named = _NAMED_FIELD.search(message)  # then the field itself is meant, not what it is in
        raise place.at(*_steps(path.strip("`")), *((named[1],) if named else ())).mistake(message) from error


def _steps(path: str) -> Iterator[Step]:
    """Yields the steps of `$.models[3].price`, up to the first that msgspec does not tell."""
    for key, index in _STEP.findall(path):
        if index == "...":
            return
        yield key or int(index)


def _child(node: Node, step: Step) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if name.value == step:
                return value, name.start_mark.line
    elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item, item.start_mark.line
    return None


def _repeated(root: Node) -> Iterator[tuple[int, str]]:
    """Keys that a mapping has a second time, and their lines."""
    nodes, known = [root], {id(root)}
    while nodes:
        node = nodes.pop()
        seen: set[str] = set()
        for child in node.value if isinstance(node, MappingNode | SequenceNode) else ():
            key, value = child if isinstance(node, MappingNode) else (None, child)
            if isinstance(key, ScalarNode) and key.value != "<<":
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            if id(value) not in known:  # an alias is the same node once more
                known.add(id(value))
                nodes.append(value)
