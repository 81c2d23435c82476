"""When `make` installs, and into which Python's environment; nothing is installed here (`make -n`)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.repository import ROOT

Plan = Callable[..., str]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """What `make … TARGET` would run where all is installed already, in an environment of this Python."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    for number, stamp in enumerate((".installed", ".installed-dev")):
        (venv / stamp).touch()
        later = time.time() + 60 + number
        os.utime(venv / stamp, (later, later))

    def planned(target: str, *arguments: str) -> str:
        command = ["make", "-n", "--no-print-directory", f"VENV={venv}", *arguments, target]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout

    return planned


def other_python(folder: Path) -> str:
    """A Python of another version, as far as it says."""
    program = folder / "python9.9"
    program.write_text("#!/bin/sh\necho '(9, 9)'\n")
    program.chmod(0o755)
    return str(program)


def test_what_is_there_is_not_installed_again(plan: Plan):
    assert "install-lock" not in plan("test")
    assert "install-lock" not in plan("up")


def test_a_changed_lock_is_installed(plan: Plan):
    assert "requirements.lock" in plan("up", "-W", "requirements.lock")
    both = plan("test", "-W", "requirements.lock")
    assert both.index("requirements.lock") < both.index("requirements-dev.lock")
    tests_alone = plan("test", "-W", "requirements-dev.lock")
    assert "requirements-dev.lock" in tests_alone
    assert "requirements.lock" not in tests_alone.replace("requirements-dev.lock", "")


def test_a_member_with_other_requirements_is_installed(plan: Plan):
    assert "-e ./mcp-toolbox" in plan("up", "-W", "mcp-toolbox/pyproject.toml")


def test_make_up_installs_nothing_to_test_with(plan: Plan):
    assert "requirements-dev.lock" not in plan("up", "-W", "requirements.lock", "-W", "requirements-dev.lock")


@pytest.mark.parametrize("target", ["test", "lint", "types", "imports", "format", "bench", "lock", "conformance"])
def test_what_tests_and_measures_comes_when_it_is_needed(plan: Plan, target: str):
    assert "requirements-dev.lock" in plan(target, "-W", "requirements-dev.lock")


def test_an_older_commit_is_compared_with_only_where_one_is_named(plan: Plan):
    assert "python -m bench --against abc1234" in plan("bench", "AGAINST=abc1234")
    assert "--against" not in plan("bench")


def test_a_named_python_of_another_version_gets_a_new_environment(plan: Plan, tmp_path: Path):
    other = other_python(tmp_path)
    planned = plan("test", f"PYTHON={other}")
    assert f"{other} -m venv --clear" in planned
    assert planned.index("--clear") < planned.index("requirements.lock") < planned.index("requirements-dev.lock")


def test_a_named_python_of_the_same_version_keeps_the_environment(plan: Plan):
    assert "venv --clear" not in plan("test", f"PYTHON={sys.executable}")
    assert "install-lock" not in plan("test", f"PYTHON={sys.executable}")


def test_the_scripts_do_not_take_the_variable_of_the_makefile_for_their_own():
    for script in (ROOT / "scripts").glob("*.sh"):
        assert "${PYTHON" not in script.read_text()
