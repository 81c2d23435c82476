"""Brings what the settings ask for beyond the four services, where it is large: `make up` calls this.

TOOL_PACKS and LOCAL_MODEL_PATH, in the environment or in `.env`, say so: the packs' libraries come from the toolbox's
own lock, the server of a local model from its own. What is there at the locked version is not installed again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from suite_plan import CannotStart, environment

ROOT = Path(__file__).resolve().parent.parent
TOOLBOX = ROOT / "mcp-toolbox"
TOOLBOX_LOCK = TOOLBOX / "requirements.lock"
SERVER_LOCK = ROOT / "requirements-model-server.lock"


def asked_for(environ: Mapping[str, str]) -> dict[str, Path]:
    """Names of the distributions that are asked for, and the lock that each is in."""
    project = tomllib.loads((TOOLBOX / "pyproject.toml").read_text("utf-8"))["project"]
    packs = [name.strip() for name in environ.get("TOOL_PACKS", "").split(",")]
    needs = [line for pack in packs for line in project["optional-dependencies"].get(pack, ())]
    found = {re.split(r"[^\w.-]", line, maxsplit=1)[0]: TOOLBOX_LOCK for line in needs}
    if environ.get("LOCAL_MODEL_PATH") and not environ.get("LOCAL_MODEL_URL"):
        found["xllamacpp"] = SERVER_LOCK
    return found


def is_installed(package: str, lock: Path) -> bool:
    """Whether `package` is there at the version of the lock."""
    try:
        return f"\n{package}=={version(package)} " in f"\n{lock.read_text('utf-8')}"
    except PackageNotFoundError:
        return False


def main() -> int:
    try:
        wanted = asked_for(environment())
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - a terminal program
        return 1
    missing = {package: lock for package, lock in wanted.items() if not is_installed(package, lock)}
    if missing:
        print(f"Installing {', '.join(missing)}, which your settings ask for (once) …", flush=True)  # noqa: T201 - a terminal program
    for lock in dict.fromkeys(missing.values()):
        subprocess.run([ROOT / "scripts/install-lock.sh", sys.executable, lock], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
