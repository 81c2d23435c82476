"""A server's JSON Schema in a form that every client compiles: one document whose references are pointers into it.

Clients compile all schemas of a list at once, so that one bad schema of one server costs every tool of every server
(TypeScript SDK 1.x, with ajv). So each reference is resolved here, once, by the rules of 2020-12 and draft-07 (`$id`,
`$anchor`, `$dynamicAnchor`, pointers), and written as a pointer; names that are then without use are removed, since two
schemas with one `$id` are an error, or are taken for one another. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin

from mcp_toolbox.upstream.ecma_pattern import compiles

DIALECTS = frozenset(
    f"{scheme}://json-schema.org/{draft}/schema{end}"
    for scheme in ("http", "https")
    for draft in ("draft/2020-12", "draft-07")
    for end in ("", "#")
)

_MAX_PATHS = 10_000
"""How many parts of a schema may apply to one value, each counted as often as it is reached."""

_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
_DATA = frozenset(
    ["$vocabulary", "const", "default", "dependentRequired", "enum", "example", "examples", "required", "type"]
)
_SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})
"""The keywords whose schemas apply to the same value: through them a schema may lead back to itself without end."""

_NAMES = frozenset({"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})
_REFERENCES = ("$ref", "$dynamicRef")

Schema = dict[str, Any]
Pointer = tuple[str, ...]


class UnusableSchema(Exception):
    """A server's schema is not valid, or is too large; the text says which."""


def self_contained(schema: Schema, *, drop_patterns: bool = False) -> tuple[Schema, tuple[str, ...]]:
    """Returns a copy of `schema` as described above, and what was taken out of it that a person should know.

    `drop_patterns` takes out a pattern that only a lax engine accepts; without it such a pattern is refused.

    Raises:
        UnusableSchema: a reference does not resolve within the schema, or leads back to itself; a pattern is no regular
            expression.
    """
    document = _Document(schema, drop_patterns)
    properties = document.schema.get("properties")
    if isinstance(properties, dict):  # MCP allows only objects there, though JSON Schema knows true and false
        properties |= {name: {} if part else {"not": {}} for name, part in properties.items() if isinstance(part, bool)}
    return document.schema, tuple(document.dropped)


class _Document:
    """One schema while it is rewritten; `schema` is the copy."""

    def __init__(self, schema: Schema, drop_patterns: bool) -> None:
        self.schema: Schema = _copied(schema)
        self.dropped: list[str] = []
        self._drop_patterns = drop_patterns
        self._resources: dict[str, Pointer] = {"": ()}
        self._anchors: dict[str, Pointer] = {}
        self._dynamic: dict[str, int] = {}
        self._references: list[tuple[Schema, str, str]] = []
        self._visited: set[int] = set()
        self._visit(self.schema, (), "")
        targets: dict[int, list[Schema]] = {}
        for holder, keyword, base in self._references:  # grows when a target is a part that no keyword leads to
            pointer, target = self._resolved(holder.pop(keyword), keyword, base)
            _refer(holder, f"#{''.join(f'/{_escaped(step)}' for step in pointer)}")
            if isinstance(target, dict):
                targets.setdefault(id(holder), []).append(target)
                self._visit(target, pointer, base)
        _refuse_endless(self.schema, targets)

    def _visit(self, schema: Any, pointer: Pointer, base: str) -> None:
        if not isinstance(schema, dict) or id(schema) in self._visited:
            return
        self._visited.add(id(schema))
        base = self._named(schema, pointer, base)
        self._mend(schema, pointer)
        self._check_patterns(schema)
        for path, part in list(_parts(schema, lambda keyword: keyword not in _DATA)):
            self._visit(part, (*pointer, *path), base)
        self._references += [(schema, keyword, base) for keyword in _REFERENCES if keyword in schema]

    def _named(self, schema: Schema, pointer: Pointer, base: str) -> str:
        """Notes and removes what names this part. Returns the base of the references within it."""
        id_ = schema.get("$id")
        if isinstance(id_, str) and id_.startswith("#"):  # draft-07's way to write an anchor
            self._note(self._anchors, f"{base}{id_}", pointer)
        elif isinstance(id_, str):
            try:
                base = urldefrag(urljoin(base, id_)).url
            except ValueError:
                raise UnusableSchema("has an $id that is no URI") from None
            if pointer or base:
                self._note(self._resources, base, pointer)
        for keyword in ("$anchor", "$dynamicAnchor"):
            anchor = schema.get(keyword)
            if isinstance(anchor, str):
                self._note(self._anchors, f"{base}#{anchor}", pointer)
                self._dynamic[anchor] = self._dynamic.get(anchor, 0) + (keyword == "$dynamicAnchor")
        for keyword in _NAMES:
            if isinstance(schema.get(keyword), str | bool):
                del schema[keyword]
        return base

    @staticmethod
    def _note(names: dict[str, Pointer], name: str, pointer: Pointer) -> None:
        if names.setdefault(name, pointer) != pointer:
            raise UnusableSchema("names two of its parts alike")

    def _mend(self, schema: Schema, pointer: Pointer) -> None:
        """Removes what JSON Schema gives no meaning to and ajv stops at: older drafts' `id`, OpenAPI's `nullable` where
        no type stands beside it, and ajv's own `$async`. A part has the dialect of the whole."""
        if pointer and schema.pop("$schema", self.schema.get("$schema")) != self.schema.get("$schema"):
            raise UnusableSchema("has a part of another dialect")
        for keyword in ("id", "$async"):
            if isinstance(schema.get(keyword), str | bool):
                del schema[keyword]
        type_ = schema.get("type")
        if "nullable" in schema and (not type_ or type_ == "null" or "null" in type_):
            del schema["nullable"]
        if schema.get("enum") == []:
            raise UnusableSchema("has an enum without values")

    def _check_patterns(self, schema: Schema) -> None:
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not compiles(pattern):
            if not self._drop_patterns or not compiles(pattern, unicode=False):
                raise UnusableSchema("has a pattern that is no regular expression of ECMA-262")
            del schema["pattern"]
            self.dropped.append("a pattern that not every engine takes was taken out of its input schema")
        named = schema.get("patternProperties")
        if isinstance(named, dict) and not all(map(compiles, named)):
            raise UnusableSchema("has a pattern that is no regular expression of ECMA-262")

    def _resolved(self, reference: Any, keyword: str, base: str) -> tuple[Pointer, Any]:
        if not isinstance(reference, str):
            raise UnusableSchema("has a reference that is no text")
        try:  # urljoin does not join a mere fragment to every scheme
            url, fragment = (base, reference[1:]) if reference[:1] == "#" else urldefrag(urljoin(base, reference))
        except ValueError:
            raise UnusableSchema("has a reference that is no URI") from None
        fragment = unquote(fragment)
        if keyword == "$dynamicRef" and self._dynamic.get(fragment, 0) > 1:
            raise UnusableSchema("has a $dynamicRef with more than one target")
        if fragment and not fragment.startswith("/"):
            pointer = self._anchors.get(f"{url}#{fragment}")
        elif (root := self._resources.get(url)) is None:
            raise UnusableSchema("refers to another document, and nothing is fetched")
        else:
            pointer = (*root, *map(_unescaped, fragment.split("/")[1:]))
        found = _MISSING if pointer is None else _at(self.schema, pointer)
        if not isinstance(found, dict | bool) or pointer is None:
            raise UnusableSchema("refers to a part that is not there")
        return pointer, found


_MISSING = object()


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _refer(holder: Schema, pointer: str) -> None:
    """Adds a reference; beside one that stands there already, as one more schema that applies."""
    if holder.setdefault("$ref", pointer) != pointer:
        several = holder.get("allOf")
        holder["allOf"] = [*(several if isinstance(several, list) else ()), {"$ref": pointer}]


def _parts(schema: Schema, follows: Callable[[str], bool]) -> Iterator[tuple[Pointer, Any]]:
    """Yields the schemas directly within `schema`, each with its path, for the keywords that `follows` accepts. An
    unknown keyword that holds an object counts as one schema, as it does for ajv."""
    for keyword, value in schema.items():
        if not follows(keyword):
            continue
        if isinstance(value, list) and keyword in _LISTS:
            yield from (((keyword, str(index)), part) for index, part in enumerate(value))
        elif isinstance(value, dict) and keyword in _MAPS:
            yield from (((keyword, name), part) for name, part in value.items())
        elif isinstance(value, dict):
            yield (keyword,), value


def _at(value: Any, pointer: Pointer) -> Any:
    for step in pointer:
        if isinstance(value, dict):
            value = value.get(step, _MISSING)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe="~$!'()*,;:@&=+-._")


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _refuse_endless(root: Schema, targets: dict[int, list[Schema]]) -> None:
    """Refuses schemas that lead back to themselves for one and the same value, or that apply too many parts to it."""
    paths: dict[int, int] = {}

    def count(schema: Schema) -> int:
        known = paths.get(id(schema))
        if known is not None:
            if known == 0:
                raise UnusableSchema("refers to itself without end")
            return known
        paths[id(schema)] = 0
        same = [part for _, part in _parts(schema, _SAME_VALUE.__contains__) if isinstance(part, dict)]
        total = 1 + sum(map(count, [*same, *targets.get(id(schema), ())]))
        if total > _MAX_PATHS:
            raise UnusableSchema("unfolds to more than can be checked")
        paths[id(schema)] = total
        return total

    waiting: list[Any] = [root]
    seen: set[int] = set()
    try:
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, dict) and id(schema) not in seen:
                seen.add(id(schema))
                count(schema)
                waiting += [part for _, part in _parts(schema, lambda keyword: keyword not in _DATA)]
                waiting += targets.get(id(schema), ())
    except RecursionError:
        raise UnusableSchema("unfolds to more than can be checked") from None
