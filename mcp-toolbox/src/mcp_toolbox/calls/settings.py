"""The syntax of the call policy's variables."""

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


def _lists(value: Any) -> Any:
    return parsed(value, _names) if isinstance(value, str) else value


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|"))
    if not all(names):
        raise ValueError(f"{text!r} is not TOOL|TOOL")
    return names


ToolRates = Annotated[tuple[tuple[str, Rate], ...], PlainValidator(_rates)]
"""For example `obtener_cliente=5/s,filesystem__*=100/min`."""

ToolSeconds = Annotated[tuple[tuple[str, float], ...], PlainValidator(_seconds)]
"""For example `recuperar_contexto=5,filesystem__*=120`."""

ToolLists = Annotated[tuple[tuple[str, tuple[str, ...]], ...], PlainValidator(_lists)]
"""For example `key_1a2b3c4d5e6f=add|multiply|filesystem__*,*=add`."""
