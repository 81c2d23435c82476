"""References in the servers file, `${NAME}` and `${NAME:-default}`, which keep secrets out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_toolbox.upstream.errors import UpstreamUnavailable

_REFERENCE = re.compile(r"\$?\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class References:
    """Fills in references from an environment. `$${NAME}` is the literal text `${NAME}`.

    `secrets` are the values that were filled in, so that they can be kept out of logs.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.secrets: set[str] = set()

    def fill(self, text: str) -> str:
        """Returns `text` with its references replaced. An empty variable counts as unset.

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
