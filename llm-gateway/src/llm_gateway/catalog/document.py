"""A YAML file whose mistakes are named by their lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from llm_gateway.catalog.rows import CatalogFile, ProviderRow

_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class CatalogError(Exception):
    """A catalogue that cannot be used; the message says where and why."""


def parse(text: str, name: str) -> tuple[CatalogFile, Node]:
    try:
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node()
        plain: Any = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(f"{name}:{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"{name}: {error}") from error
    if node is None:
        raise CatalogError(f"{name}:1: the file is empty")
    try:
        return msgspec.convert(plain, CatalogFile), node
    except msgspec.ValidationError as error:
        message, path = _complaint(error)
        if path.startswith("$.providers[...]"):
            message, path = _provider_complaint(plain["providers"])
        raise CatalogError(f"{name}:{line_of(node, path)}: {message}") from error


def _complaint(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, and the path of it: of the field itself where it is one that does not belong there."""
    message, _, place = str(error).partition(" - at ")
    path = place.strip("`")
    named = _NAMED_FIELD.search(message)
    return message, f"{path or '$'}.{named[1]}" if named else path


def _provider_complaint(providers: Mapping[str, Any]) -> tuple[str, str]:
    """The first complaint about one of the providers; msgspec does not say which entry of a mapping it means."""
    for name, row in providers.items():
        try:
            msgspec.convert(row, ProviderRow)
        except msgspec.ValidationError as error:
            message, path = _complaint(error)
            return message, f"$.providers.{name}{path.removeprefix('$')}"
    return "a provider is not as it should be", "$.providers"


def line_of(node: Node, path: str) -> int:
    """The line of `$.models[3].price` in the file; of its nearest parent when it is not there."""
    line = node.start_mark.line
    for key, index in _STEP.findall(path):
        child = _child(node, key, index)
        if child is None:
            break
        node, line = child
    return line + 1


def _child(node: Node, key: str, index: str) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value, name.start_mark.line
    elif isinstance(node, SequenceNode) and index.isdigit() and int(index) < len(node.value):
        item = node.value[int(index)]
        return item, item.start_mark.line
    return None
