"""Reads request bodies as structs, keeps unknown fields, and reports errors by the name of the field."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import msgspec

from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.errors import InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)

_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BodyReader(Generic[T]):
    """Reads bodies as `kind`, a struct that forbids unknown fields: only bodies that have some are read twice."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._known = frozenset(kind.__struct_fields__)

    def read(self, body: bytes) -> tuple[T, dict[str, Any]]:
        """Returns the request, and its fields that `kind` does not have.

        Raises:
            InvalidRequest: the body is not JSON, or a field is missing or of the wrong type; names the field.
        """
        try:
            return self._decoder.decode(body), {}
        except msgspec.ValidationError as error:
            if "unknown field" not in str(error):
                raise invalid(error) from None
        except UNREADABLE as error:
            raise not_json(error) from None
        return self._read_with_extra(body)

    def _read_with_extra(self, body: bytes) -> tuple[T, dict[str, Any]]:
        try:
            raw = _fields.decode(body)
            known = {name: value for name, value in raw.items() if name in self._known}
            sent = self._decoder.decode(msgspec.json.encode(known))
            return sent, {name: msgspec.json.decode(value) for name, value in raw.items() if name not in self._known}
        except msgspec.ValidationError as error:
            raise invalid(error) from None
        except UNREADABLE as error:
            raise not_json(error) from None


def invalid(error: msgspec.ValidationError) -> InvalidRequest:
    """Returns the error for a field that is missing, unknown or of the wrong type, with its path."""
    message, _, path = str(error).partition(" - at ")
    named = _NAMED_FIELD.search(message)
    steps = [path.strip("`").removeprefix("$").removeprefix("."), named[1] if named else ""]
    param = ".".join(step for step in steps if step) or None
    return InvalidRequest(f"{param}: {message}" if param else message, param=param)


def not_json(error: Exception) -> InvalidRequest:
    """Returns the error for a body that is not JSON."""
    return InvalidRequest(
        f"The body is not valid JSON: {error}", code="invalid_json", spanish=f"El cuerpo no es JSON válido: {error}"
    )


def in_range(value: Any, name: str, least: float, most: float | None = None) -> Any:
    """Returns `value` if it is None or within the bounds; otherwise raises InvalidRequest, naming the field."""
    if value is not None and (value < least or (most is not None and value > most)):
        bound = f"between {least} and {most}" if most is not None else f"at least {least}"
        raise InvalidRequest(f"{name}: must be {bound}", param=name)
    return value
