"""The texts of a pack's failures, in the suite's two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_kit.language import Language

from mcp_toolbox.errors import ToolFailedError


class Texts:
    """Texts by key, each in Spanish and in English, filled in with `str.format`."""

    def __init__(self, texts: Mapping[str, tuple[str, str]], language: Language) -> None:
        self._texts = texts
        self._number = 0 if language == "es" else 1

    def __call__(self, key: str, **values: Any) -> str:
        """Returns the text of that key."""
        return self._texts[key][self._number].format(**values)

    def failed(self, key: str, **values: Any) -> ToolFailedError:
        """Returns the failure of a tool with that text."""
        return ToolFailedError(self(key, **values))
