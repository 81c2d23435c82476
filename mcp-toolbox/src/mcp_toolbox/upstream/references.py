"""References in the servers file, which keep secrets out of it: `${NAME}` and `${NAME:-default}`, as Claude writes
them, and `${env:NAME}` and `{env:NAME}`, as Cursor, VS Code, Windsurf and opencode do."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_toolbox.upstream.errors import UpstreamUnavailable

_REFERENCE = re.compile(
    r"\$\$\{[^}]*\}|\$\{(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?<!\$)\{env:(?P<bare>[A-Za-z_][A-Za-z0-9_]*)\}"
)
_INPUT = re.compile(r"\$\{input:")
_EDITORS_OWN = frozenset(
    {
        "workspaceFolder", "workspaceFolderBasename", "workspaceRoot", "workspaceName", "userHome", "pathSeparator",
        "extensionInstallFolder", "cwd", "file", "fileBasename", "fileDirname", "fileWorkspaceFolder", "relativeFile",
        "lineNumber", "selectedText", "execPath", "defaultBuildTask",
    }
)  # fmt: skip
"""What only an editor can fill in."""


def wrong_reference(text: str) -> str | None:
    """Returns what is wrong with the references of `text`, or None. Only what stands behind `$$` may be anything."""
    for found in _REFERENCE.finditer(text):
        name, default = found["name"] or found["bare"], found["default"]
        if name in _EDITORS_OWN and not found[0].startswith("$$"):
            return f"${{{name}}} is known to an editor alone; write the path itself, or a variable, as ${{NAME}}"
        if default and "${" in default:
            return "a default cannot have a reference in it"
    rest = _REFERENCE.sub("", text)
    if _INPUT.search(rest):
        return "${input:…} is what an editor asks its user for; write a variable, as ${NAME}, and set it"
    if "${" in rest:
        return "only ${NAME}, ${NAME:-default} and ${env:NAME} are references; $${ is the text ${ itself"
    return None


def variables_in(text: str) -> set[str]:
    """Returns the names of the variables that `text` refers to."""
    found = (match for match in _REFERENCE.finditer(text) if not match[0].startswith("$$"))
    return {match["name"] or match["bare"] for match in found}


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
        name = found["name"] or found["bare"]
        value = self._environ.get(name, "")
        if value:
            self.secrets.add(value)
            return value
        if found["default"] is None:
            raise UpstreamUnavailable(f"the variable {name} is not set", final=True)
        return found["default"]
