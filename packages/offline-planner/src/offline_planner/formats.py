"""Answers in the form that the request asks for: JSON without invented facts, or a plain refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .conversation import ResponseFormat
from .schema import Parameter, read_parameters
from .transcript import number

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ANSWERS = frozenset(
    ("answer", "respuesta", "response", "text", "texto", "message", "mensaje", "content", "contenido", "output")
)


def as_json(format_: ResponseFormat, answer: str, results: Sequence[str]) -> str | None:
    """The answer as JSON text, or None when the schema asks for what the planner does not know.

    `results` are the tools' results in order, of which numbers and texts are taken; nothing else is filled in.
    """
    if format_.type != "json_schema":
        return _ENCODER.encode({"answer": answer}).decode()
    parameters = read_parameters(format_.schema)
    filled: dict[str, Any] = {}
    left = list(results)
    for parameter in parameters:
        value = _value(parameter, parameters, answer, left)
        if value is not None:
            filled[parameter.name] = value
        elif parameter.required:
            return None
    return _ENCODER.encode(filled).decode() if filled else None


def _value(parameter: Parameter, all_: Sequence[Parameter], answer: str, left: list[str]) -> Any:
    if parameter.options:
        return next((option for option in parameter.options if str(option) in left), None)
    if parameter.kind in ("number", "integer"):
        for place, text in enumerate(left):
            value = number(text)
            if value is not None and (parameter.kind == "number" or isinstance(value, int)):
                del left[place]
                return value
        return None
    if parameter.kind not in ("string", "any"):
        return None
    texts = [item for item in all_ if item.kind in ("string", "any") and not item.options]
    if parameter.name.lower() in _ANSWERS or len(texts) == 1:
        return answer
    return None
