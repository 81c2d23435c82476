"""Reads JSON from providers: strictly first, tolerantly if that fails.

A good answer must not be lost because of one field of an unexpected type: the vendors' own clients do not check types.
The second reading keeps each value that fits its field, converts what is unambiguous (`"0"` for a number, `42` for a
text), and treats the rest as missing. A missing required field is always an error: half an answer must not look like a
whole one.

It also accepts what Python's `json` accepts beyond the standard: NaN, lone surrogates, a byte order mark. Regular
answers pay for the strict reading only.
"""

from __future__ import annotations

import json
import math
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body that is not JSON, not UTF-8, or nested more deeply than Python's stack."""

_STILL_UNREADABLE = (ValueError, RecursionError)
_LEFT_OUT: Any = object()


class TolerantReader(Generic[T]):
    """Reads JSON as `kind`, a struct. The fields named in `pieces` hold pieces of streamed text, which may end within a
    character; `forgive_piece` keeps the lone surrogates for `SurrogateJoiner`.

    A stream's decoder calls `strictly` for every token, and `forgive_piece` only if that raises.
    """

    __slots__ = ("_kind", "_pieces", "_type", "strictly")

    def __init__(self, kind: type[T], pieces: frozenset[str] = frozenset()) -> None:
        self._kind = kind
        self.strictly = msgspec.json.Decoder(kind).decode
        self._type = inspect.type_info(kind)
        self._pieces = pieces

    def read(self, body: bytes) -> T:
        """Returns the whole answer in `body`, without lone surrogates.

        Raises:
            UNREADABLE: the body does not fit, even read tolerantly.
        """
        try:
            return self.strictly(body)
        except UNREADABLE as error:
            return self._forgiving(body, error, frozenset())

    def forgive_piece(self, data: bytes, error: Exception) -> T:
        """Returns the piece of a stream in `data`, for which the strict reading raised `error`; raises that if it does
        not fit."""
        return self._forgiving(data, error, self._pieces)

    def _forgiving(self, body: bytes, error: Exception, pieces: frozenset[str]) -> T:
        try:
            value = _fitted(_parsed(body), self._type, pieces)
            if value is not _LEFT_OUT:
                return msgspec.convert(value, self._kind)
        except _STILL_UNREADABLE:
            pass
        raise error


def loads(body: bytes) -> Any:
    """Returns any JSON value, read tolerantly, or None if `body` is not JSON."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        pass
    try:
        return _clean(_parsed(body))
    except _STILL_UNREADABLE:
        return None


def _parsed(body: bytes) -> Any:
    return json.loads(body, parse_int=_integer)


_MOST_DIGITS = 18
"""Of a number that fits into 64 bits, whatever its digits are."""


def _integer(digits: str) -> int | float:
    """Returns a number of any length; one beyond 64 bits as the nearest float, which Python reads in linear time."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


# --- values ---


def _fitted(value: Any, kind: inspect.Type, pieces: frozenset[str], *, piece: bool = False) -> Any:
    """Returns `value` converted to `kind`, or `_LEFT_OUT`."""
    match kind:
        case inspect.StructType():
            return _struct(value, kind, pieces)
        case inspect.UnionType():
            return _union(value, kind, pieces, piece=piece)
        case inspect.ListType() | inspect.VarTupleType():
            return _list(value, kind, pieces)
        case inspect.StrType():
            return _text(value, piece=piece)
        case inspect.RawType():
            return msgspec.Raw(msgspec.json.encode(_clean(value)))
        case inspect.AnyType():
            return _clean(value)
        case _:
            return _scalar(value, kind)


def _struct(value: Any, kind: inspect.StructType, pieces: frozenset[str]) -> Any:
    if not isinstance(value, dict):
        return _LEFT_OUT
    fields: dict[str, Any] = {}
    for field in kind.fields:
        found = _LEFT_OUT
        if field.encode_name in value:
            found = _fitted(value[field.encode_name], field.type, pieces, piece=field.name in pieces)
        if field.required and (found is _LEFT_OUT or _is_made_up(found, value[field.encode_name], field)):
            raise ValueError(f"no {field.encode_name}")
        if found is not _LEFT_OUT:
            fields[field.encode_name] = found
    return fields


def _is_made_up(found: Any, value: Any, field: inspect.Field) -> bool:
    """Whether a required text was converted from another type."""
    return isinstance(field.type, inspect.StrType) and found is not value and not isinstance(value, str)


def _list(value: Any, kind: inspect.ListType | inspect.VarTupleType, pieces: frozenset[str]) -> Any:
    """Returns the list without objects that do not fit. A list of anything else (a vector) must fit as a whole."""
    if not isinstance(value, list):
        return _LEFT_OUT
    items = [_fitted(item, kind.item_type, pieces) for item in value]
    fitting = [item for item in items if item is not _LEFT_OUT]
    whole = len(fitting) == len(items) or isinstance(kind.item_type, inspect.StructType)
    return fitting if whole else _LEFT_OUT


def _union(value: Any, kind: inspect.UnionType, pieces: frozenset[str], *, piece: bool) -> Any:
    """Converts to the first type that takes `value` unchanged, else to the first that it can be converted to."""
    exact = [one for one in kind.types if type(value) in _JSON_TYPES.get(type(one), ())]
    for one in (*exact, *kind.types):
        found = _fitted(value, one, pieces, piece=piece)
        if found is not _LEFT_OUT:
            return found
    return _LEFT_OUT


_JSON_TYPES: dict[type, tuple[type, ...]] = {
    inspect.StrType: (str,),
    inspect.ListType: (list,),
    inspect.StructType: (dict,),
    inspect.DictType: (dict,),
    inspect.IntType: (int,),
    inspect.FloatType: (float,),
    inspect.BoolType: (bool,),
    inspect.NoneType: (type(None),),
}


def _text(value: Any, *, piece: bool) -> Any:
    if isinstance(value, str):
        return value if piece else whole_characters(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    return _LEFT_OUT


def _scalar(value: Any, kind: inspect.Type) -> Any:
    match kind:
        case inspect.NoneType():
            return None if value is None else _LEFT_OUT
        case inspect.BoolType():
            return value if isinstance(value, bool) else _LEFT_OUT
        case inspect.DictType():
            return _clean(value) if isinstance(value, dict) else _LEFT_OUT
        case inspect.IntType():
            number = _number(value)
            fits = number is not None and number.is_integer() and abs(number) < 2**53
            return int(number) if fits and number is not None and number >= (kind.ge or 0) else _LEFT_OUT
        case inspect.FloatType():
            number = _number(value)
            return _LEFT_OUT if number is None else number
        case _:
            return _LEFT_OUT


def _number(value: Any) -> float | None:
    """Returns a finite number, also one written as text, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _clean(value: Any) -> Any:
    """Returns `value` as standard JSON: without NaN and lone surrogates."""
    match value:
        case str():
            return whole_characters(value)
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {whole_characters(name): _clean(item) for name, item in value.items()}
        case _:
            return value


def whole_characters(text: str) -> str:
    """Returns `text` with surrogate pairs joined, and U+FFFD for lone surrogates."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
