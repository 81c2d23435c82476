"""Spanish texts for pydantic's validation errors.

Source of the error types: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXTS = {
    "missing": "falta este campo",
    "extra_forbidden": "este campo no existe aquí",
    "string_type": "debe ser un texto",
    "string_too_short": "debe tener al menos {min_length} caracteres",
    "string_too_long": "debe tener como mucho {max_length} caracteres",
    "string_pattern_mismatch": "debe tener la forma '{pattern}'",
    "string_unicode": "debe ser un texto Unicode válido",
    "int_type": "debe ser un número entero",
    "int_parsing": "debe ser un número entero",
    "int_from_float": "debe ser un número entero",
    "float_type": "debe ser un número",
    "float_parsing": "debe ser un número",
    "finite_number": "debe ser un número finito",
    "bool_type": "debe ser true o false",
    "bool_parsing": "debe ser true o false",
    "list_type": "debe ser una lista",
    "too_short": "debe tener al menos {min_length} elementos",
    "too_long": "debe tener como mucho {max_length} elementos",
    "dict_type": "debe ser un objeto",
    "model_type": "debe ser un objeto",
    "model_attributes_type": "debe ser un objeto",
    "none_required": "debe ser null",
    "greater_than": "debe ser mayor que {gt}",
    "greater_than_equal": "debe ser como mínimo {ge}",
    "less_than": "debe ser menor que {lt}",
    "less_than_equal": "debe ser como máximo {le}",
    "literal_error": "debe ser {expected}",
    "enum": "debe ser {expected}",
}


def in_spanish(complaint: Mapping[str, Any]) -> str:
    """Returns one of pydantic's errors in Spanish; a rare one keeps pydantic's own message."""
    text = _TEXTS.get(complaint["type"])
    if text is None:
        return f"el valor no es válido ({complaint['msg']})"
    try:
        return text.format(**complaint.get("ctx", {}))
    except KeyError:
        return "el valor no es válido"
