"""Every command of the repository that installs with pip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.docs.repository import ROOT, files

# Where people and machines install from. Documents are for people, and tests bring nothing but by these.
_PLACES = ("Makefile", "*Dockerfile", "scripts/*", "bench/*.py", ".ci/*", ".github/*", "packages/*", "*/src/*")
_IN_SHELL = re.compile(r"\bpip(?:\s+--python\s+\S+)?\s+install\s+(?P<arguments>[^&|;>\n]*)")
_IN_PYTHON = re.compile(r"""["']pip["'],\s*["']install["'],(?P<arguments>[^\]]*)""")


@dataclass(frozen=True)
class Command:
    """The arguments of one `pip install`, and the file that they stand in."""

    file: str
    arguments: tuple[str, ...]

    @property
    def lock(self) -> str | None:
        """The lock that it installs; in a Dockerfile, by its place in the repository."""
        if "-r" not in self.arguments:
            return None
        named = self.arguments[self.arguments.index("-r") + 1]
        return named.replace("/src/requirements.lock", str(Path(self.file).parent / "requirements.lock")).replace(
            "/src/", ""
        )

    @property
    def options(self) -> tuple[str, ...]:
        """Everything but the lock."""
        place = self.arguments.index("-r")
        return self.arguments[:place] + self.arguments[place + 2 :]


def commands() -> list[Command]:
    """All of them, in the order of their files."""
    return [command for path in files(*_PLACES) if path.suffix not in {".lock", ".html"} for command in _of(path)]


def _of(path: Path) -> list[Command]:
    lines = path.read_text("utf-8", "replace").splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith(("#", "echo ")))
    pattern = _IN_PYTHON if path.suffix == ".py" else _IN_SHELL
    found = pattern.finditer(re.sub(r"\\\n\s*", " ", code))
    arguments = [re.sub(r"""["',]""", " ", hit["arguments"]).split() for hit in found]
    return [Command(str(path.relative_to(ROOT)), tuple(each)) for each in arguments]
