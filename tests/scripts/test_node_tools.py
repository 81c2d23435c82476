"""What the tests run with Node.js: pinned, without any address, and installed by a script that says what is missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/install-node-tools.sh"
TOOLS = ROOT / "tests/node"


def test_the_locks_pin_and_hash_everything_and_name_no_address():
    for name in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (TOOLS / name).read_text("utf-8")
    asked = json.loads((TOOLS / "package.json").read_text("utf-8"))["dependencies"]
    assert all(re.fullmatch(r"(npm:@[\w/-]+@)?\d[\w.-]+", version) for version in asked.values())
    packages = json.loads((TOOLS / "package-lock.json").read_text("utf-8"))["packages"]
    root = packages.pop("")
    assert root["dependencies"] == asked
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


@pytest.mark.parametrize("folder", ["node", "mcp_toolbox/upstream_community"])
def test_what_comes_from_pypi_is_pinned_and_hashed_too(folder: str):
    lines = (ROOT / "tests" / folder / "requirements.lock").read_text("utf-8").splitlines()
    assert lines
    assert not [line for line in lines if not re.match(r"[\w.-]+==[\w.]+.* \\$|    --hash=sha256:[0-9a-f]{64}", line)]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A repository of the script and what it reads, with nothing installed."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    shutil.copytree(TOOLS, tmp_path / "tests/node", ignore=shutil.ignore_patterns("node_modules"))
    return tmp_path


def ran(root: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", root / "scripts" / SCRIPT.name],
        env={"PATH": path, "PYTHON": "/bin/false", "HOME": str(root)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def programs(folder: Path, *names: str, **scripts: str) -> str:
    """A PATH that has these programs of the system, and these scripts, and no other."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


BASICS = ("dirname", "cat", "cksum", "rm", "ln")


def test_without_node_and_without_pip_it_says_what_to_install(copied: Path):
    ended = ran(copied, programs(copied / "bin", *BASICS))
    assert ended.returncode == 1
    assert "need Node.js 22.19 or newer" in ended.stderr


def test_an_old_node_is_not_used(copied: Path):
    ended = ran(copied, programs(copied / "bin", *BASICS, node="exit 1", npm="exit 0"))
    assert ended.returncode == 1
    assert "bringing one from PyPI" in ended.stderr


def test_a_new_node_installs_once(copied: Path):
    npm = f'echo "$@" >> {copied}/npm; mkdir -p node_modules/.bin'
    path = programs(copied / "bin", *BASICS, "mkdir", node="exit 0", npm=npm)
    for _ in range(2):
        ended = ran(copied, path)
        assert ended.returncode == 0, ended.stderr
    assert (copied / "npm").read_text().splitlines() == ["ci --silent"]
    assert (copied / "tests/node/node_modules/.bin/node").resolve() == copied / "bin/node"


def test_a_changed_lock_installs_again(copied: Path):
    npm = f'echo "$@" >> {copied}/npm; mkdir -p node_modules/.bin'
    path = programs(copied / "bin", *BASICS, "mkdir", node="exit 0", npm=npm)
    assert ran(copied, path).returncode == 0
    (copied / "tests/node/package-lock.json").write_text("{}")
    assert ran(copied, path).returncode == 0
    assert len((copied / "npm").read_text().splitlines()) == 2


def test_a_failed_install_is_not_taken_for_done(copied: Path):
    path = programs(copied / "bin", *BASICS, node="exit 0", npm="exit 7")
    assert ran(copied, path).returncode == 7
    assert ran(copied, path).returncode == 7
