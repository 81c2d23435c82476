"""What one server offers: its tools, as far as the operator and their pins allow them, its resources and prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mcp import types
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.upstream.pins import Pins
from mcp_toolbox.upstream.resources_and_prompts import Listed
from mcp_toolbox.upstream.sanitize import cleaned
from mcp_toolbox.upstream.spec import ServerSpec
from mcp_toolbox.upstream.translate import Translator

_log = get_logger(__name__)

Offer = Callable[[str, list[Tool]], list[str]]
"""Puts a server's tools into the registry, and returns the names that are taken by other tools."""

OfferMore = Callable[[str, Listed], list[str]]
"""Puts a server's resources and prompts into theirs, and returns what is wrong with them."""


class Translated(NamedTuple):
    """The tools of a list that may be offered, and what is wrong with others."""

    tools: list[Tool]
    problems: list[str]


class Offers:
    """What a server offers now: `tools`, the `problems` of others, and those that have `changed` since their pin."""

    def __init__(
        self, spec: ServerSpec, pins: Pins, translator: Translator, offer: Offer, offer_more: OfferMore
    ) -> None:
        self._spec = spec
        self._pins = pins
        self._translator = translator
        self._offer = offer
        self._offer_more = offer_more
        self.tools: list[Tool] = []
        self.problems: tuple[str, ...] = ()
        self.changed: tuple[str, ...] = ()
        self.changed_names: frozenset[str] = frozenset()
        """The names in the toolbox of those that have changed and are offered all the same."""

    async def translated(self, listed: list[types.Tool], normalized: Iterable[str]) -> Translated:
        """Returns the tools of a list as they may be offered; `normalized` is what was wrong with the list itself."""
        # In a thread, because compiling a large server's schemas takes long enough to delay other calls.
        translation = await asyncio.to_thread(self._translator.translate, listed)
        changed = self._note_changes([tool for tool in listed if tool.name in translation.tools])
        withheld = set(changed) if self._spec.pin == "strict" else set()
        tools = [tool for name, tool in translation.tools.items() if name not in withheld]
        self.changed_names = frozenset(
            tool.name for name, tool in translation.tools.items() if cleaned(name)[0] in changed
        )
        told = (f"{name}: changed, and withheld" for name in sorted(withheld))
        return Translated(tools, [*normalized, *translation.problems, *told])

    def put(self, translated: Translated) -> tuple[str, ...]:
        """Offers the tools in place of those before, and returns all problems."""
        tools, problems = translated
        clashes = self._offer(self._spec.name, tools)
        self.tools = [tool for tool in tools if tool.name not in clashes]
        found = (*problems, *(f"{name}: another tool has this name" for name in clashes))
        self._report(found)
        return found

    def put_more(self, more: Listed, problems: tuple[str, ...]) -> None:
        """Offers its resources and prompts; `problems` are those of its tools."""
        self._report((*problems, *more.problems, *self._offer_more(self._spec.name, more)))

    def withdraw(self) -> None:
        """Offers nothing any more."""
        self.tools = []
        self._offer(self._spec.name, [])
        self._offer_more(self._spec.name, Listed())

    def _note_changes(self, tools: list[types.Tool]) -> tuple[str, ...]:
        if self._spec.pin == "off":
            return ()
        changed = tuple(cleaned(name)[0] for name in self._pins.changed(self._spec.name, tools))
        for name in set(changed) - set(self.changed):
            _log.warning("tool changed since it was first seen", server=self._spec.name, tool=name, pin=self._spec.pin)
        self.changed = changed
        return changed

    def _report(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self.problems:
                _log.warning("server has a fault", server=self._spec.name, problem=problem)
        self.problems = problems
