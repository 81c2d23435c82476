"""`${NAME}` and `${NAME:-default}` in the servers file, so that secrets stay out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_toolbox.upstream.errors import UpstreamUnavailable

_REFERENCE = re.compile(r"\$?\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class References:
    """Fills in references from an environment; `$${NAME}` stands for the text `${NAME}`.

    `secrets` are the values that were filled in, for whoever must keep them out of a log.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.secrets: set[str] = set()

    def fill(self, text: str) -> str:
        """`text` with its references replaced. A variable that is empty counts as unset.

        Raises:
            UpstreamUnavailable: a variable is not set and has no default; the message names it.
        """
        return _REFERENCE.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        if found[0].startswith("$$"):
            return found[0][1:]
        value = self._environ.get(found["name"], "")
        if value:
            self.secrets.add(value)
            return value
        if found["default"] is None:
            raise UpstreamUnavailable(f"the variable {found['name']} is not set", final=True)
        return found["default"]
