"""The scripts as modules, though they are in no package."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = str(ROOT / "scripts")


def script(name: str) -> ModuleType:
    """`scripts/NAME.py`, imported, not run; the scripts find one another as they do when one of them is run."""
    if SCRIPTS not in sys.path:
        sys.path.append(SCRIPTS)
    return import_module(name)
