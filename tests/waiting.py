"""Tests wait for conditions, never for a time to pass."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

Value = TypeVar("Value")


async def eventually(check: Callable[[], Value | Awaitable[Value]], *, seconds: float = 8.0) -> Value:
    """The first true value of `check`, or of what it awaits.

    Raises:
        AssertionError: there was none within `seconds`, which is only the bound that a hang is told at.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = check()
        value = cast("Value", await found if inspect.isawaitable(found) else found)
        if value:
            return value
        assert loop.time() < deadline, f"it did not come true within {seconds:g} s; last: {value!r}"
        await asyncio.sleep(0.005)
