"""Brings the libraries of the tool packs that are on, where they are large: `make up` calls this.

TOOL_PACKS, in the environment or in `.env`, says which packs are on. They come from the toolbox's own lock; what is
there at the locked version is not installed again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from up import environment

ROOT = Path(__file__).resolve().parent.parent
TOOLBOX = ROOT / "mcp-toolbox"
LOCK = TOOLBOX / "requirements.lock"


def wanted_packages(environ: Mapping[str, str]) -> list[str]:
    """Names of the distributions that the packs in TOOL_PACKS ask for beyond what the toolbox itself needs."""
    project = tomllib.loads((TOOLBOX / "pyproject.toml").read_text("utf-8"))["project"]
    packs = [name.strip() for name in environ.get("TOOL_PACKS", "").split(",")]
    asked = [line for pack in packs for line in project["optional-dependencies"].get(pack, ())]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in asked]


def is_installed(package: str) -> bool:
    """Whether `package` is there at the version of the lock."""
    try:
        return f"\n{package}=={version(package)} " in f"\n{LOCK.read_text('utf-8')}"
    except PackageNotFoundError:
        return False


def main() -> int:
    missing = [package for package in wanted_packages(environment()) if not is_installed(package)]
    if not missing:
        return 0
    print(f"Installing {' and '.join(missing)}, which TOOL_PACKS asks for (once) …", flush=True)  # noqa: T201 - a terminal program
    return subprocess.run([ROOT / "scripts/install-lock.sh", sys.executable, LOCK], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
