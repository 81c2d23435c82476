"""How the guard's variables are written."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import PlainValidator
from service_kit.limits.limiter import Rate

from mcp_toolbox.calls.per_tool import parsed


def _rates(value: Any) -> Any:
    return parsed(value, Rate.parse) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    return parsed(value, _positive) if isinstance(value, str) else value


def _positive(text: str) -> float:
    seconds = float(text.removesuffix("s"))
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{text!r} is not a number of seconds above zero")
    return seconds


ToolRates = Annotated[tuple[tuple[str, Rate], ...], PlainValidator(_rates)]
"""`obtener_cliente=5/s,filesystem__*=100/min`"""

ToolSeconds = Annotated[tuple[tuple[str, float], ...], PlainValidator(_seconds)]
"""`recuperar_contexto=5,filesystem__*=120`"""
