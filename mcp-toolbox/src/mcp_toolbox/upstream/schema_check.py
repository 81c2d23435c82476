"""Checks against other servers' JSON Schemas, with bounded work, because a schema may be malicious.

Patterns are matched by an engine with linear time (Rust's, which pydantic contains), references cannot leave the
schema, and a check that takes too many steps is given up (`bounded_keywords`). What is not checked here is left to the
server, which has the schema; the only loss is an early, readable error.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from pydantic_core import PydanticSerializationError, to_json
from referencing import Registry
from referencing.exceptions import Unresolvable

from mcp_toolbox.errors import printable
from mcp_toolbox.upstream.bounded_keywords import MAX_PROBLEMS, TooManySteps, bounded, bounded_errors
from mcp_toolbox.upstream.self_contained import DIALECTS, UnusableSchema, self_contained

MAX_BYTES = 128 * 1024
_MAX_DEPTH = 64
_MAX_STEPS = 10_000
_MAX_SCHEMA_STEPS = 200_000


class SchemaCheck:
    """One compiled schema. `schema` is the form of it that clients may get, and `notes` say what was taken out of it;
    both are those of `self_contained`.

    Raises:
        UnusableSchema: it is not a JSON Schema that every client compiles, or it is too large or too deep.
    """

    def __init__(self, schema: dict[str, Any], *, drop_patterns: bool = False) -> None:
        _refuse_size(schema)
        declared = schema.get("$schema", "")
        if not isinstance(declared, str) or (declared and declared not in DIALECTS):
            raise UnusableSchema("is of another dialect than 2020-12 or draft-07")
        dialect = jsonschema.Draft7Validator if "draft-07" in declared else jsonschema.Draft202012Validator
        try:
            if any(bounded_errors(_of_schemas(dialect), schema, _MAX_SCHEMA_STEPS)):
                raise UnusableSchema("is no JSON Schema")
            self.schema, self.notes = self_contained(schema, drop_patterns=drop_patterns)
            # Without `$schema`: where a reference leads back to the root, the library would choose a validator by it,
            # which counts no steps.
            rules = {keyword: value for keyword, value in self.schema.items() if keyword != "$schema"}
            self._validator: Validator = bounded(dialect)(rules, registry=Registry())
        except (TooManySteps, Unresolvable, RecursionError) as error:
            raise UnusableSchema("cannot be checked") from error

    def problems(self, value: Any) -> list[tuple[str, str]]:
        """Returns at most five problems of `value`, each a path and a text. If the check was given up, only those found
        so far."""
        found: list[tuple[str, str]] = []
        try:
            for error in bounded_errors(self._validator, value, _MAX_STEPS):
                path = ".".join(printable(str(step)) for step in error.absolute_path)
                found.append((path, error.message))
                if len(found) == MAX_PROBLEMS:
                    break
        except (TooManySteps, Unresolvable, RecursionError):
            return found
        return found


def _refuse_size(schema: dict[str, Any]) -> None:
    if _depth_exceeds(schema, _MAX_DEPTH):
        raise UnusableSchema(f"is more than {_MAX_DEPTH} levels deep")
    try:
        size = len(to_json(schema))
    except PydanticSerializationError:
        raise UnusableSchema("holds a text that is none") from None
    if size > MAX_BYTES:
        raise UnusableSchema(f"has more than {MAX_BYTES} bytes")


def _depth_exceeds(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ())
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


@cache
def _of_schemas(dialect: type[Validator]) -> Validator:
    """Returns the validator of schemas themselves; the library's own check is not bounded."""
    meta: Any = dialect.META_SCHEMA
    return bounded(validator_for(meta, default=dialect))(meta, registry=SPECIFICATIONS)
