"""The repository's own files, as the tests of its documents read them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files(*patterns: str) -> list[Path]:
    """The files that the repository tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of a Markdown document in one language."""
    return [code for name, code in _FENCE.findall(document.read_text()) if name == language]


def without_blocks(document: Path) -> str:
    """A Markdown document's prose."""
    return _FENCE.sub("", document.read_text())
