"""A lock is installed, not resolved: what was published since changes nothing.

Every lock of the repository is installed from a local index that also offers a newer release of everything in it, by
the commands that install it: `scripts/install-lock.sh` and those of the Dockerfiles.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.markers import Marker

from tests.docs.repository import ROOT, files
from tests.install.commands import commands
from tests.install.index import LocalIndex

LOCKS = [str(path.relative_to(ROOT)) for path in files("*.lock")]
PIP = (sys.executable, "-m", "pip", "install")
IN_IMAGES = [command for command in commands() if command.lock and command.file.endswith("Dockerfile")]

pytestmark = pytest.mark.timeout(300)


def installed(index: LocalIndex, target: Path, command: Sequence[str | Path]) -> dict[str, str]:
    """Names and versions in `target` once `command` has installed into it."""
    done = _run(index, target, command)
    assert done.returncode == 0, done.stderr
    return {found.name: found.version for found in distributions(path=[str(target)])}


def refused(index: LocalIndex, target: Path, command: Sequence[str | Path]) -> str:
    """What `command` says when it does not install."""
    done = _run(index, target, command)
    assert done.returncode != 0
    return done.stderr


def _run(index: LocalIndex, target: Path, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    full = [*command, "--target", target]
    return subprocess.run(full, env=index.environment, capture_output=True, text=True, timeout=240, check=False)


def pinned(index: LocalIndex) -> dict[str, str]:
    """What the index's lock asks of this machine's Python."""
    return {
        pin.name: pin.version
        for pin in index.pins
        if not pin.marker or Marker(pin.marker.removeprefix(" ; ")).evaluate()
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_every_lock_installs_as_it_is_though_newer_releases_are_out(lock: str, tmp_path: Path):
    index = LocalIndex(ROOT / lock, tmp_path)
    script = (ROOT / "scripts/install-lock.sh", sys.executable, index.lock)
    assert installed(index, tmp_path / "target", script) == pinned(index) != {}


@pytest.mark.parametrize("options", sorted({command.options for command in IN_IMAGES}), ids=" ".join)
def test_the_dockerfiles_commands_install_a_lock_as_it_is_too(options: tuple[str, ...], tmp_path: Path):
    index = LocalIndex(ROOT / "requirements-build.lock", tmp_path)
    assert installed(index, tmp_path / "target", (*PIP, *options, "-r", index.lock)) == pinned(index) != {}


def test_each_image_installs_its_own_lock_and_the_build_lock():
    expected = {(str(path.relative_to(ROOT)), lock) for path in files("*/Dockerfile") for lock in _locks_of(path)}
    assert {(command.file, command.lock) for command in IN_IMAGES} == expected


def _locks_of(dockerfile: Path) -> tuple[str, str]:
    return "requirements-build.lock", f"{dockerfile.parent.name}/requirements.lock"


def test_a_file_that_the_lock_has_no_hash_of_is_refused(tmp_path: Path):
    index = LocalIndex(ROOT / "requirements-build.lock", tmp_path)
    index.lock.write_text(re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", index.lock.read_text(), count=1))
    assert "HASHES" in refused(
        index, tmp_path / "target", (ROOT / "scripts/install-lock.sh", sys.executable, index.lock)
    )


def test_the_index_would_break_a_lock_that_is_resolved(tmp_path: Path):
    # The control: else the tests above could not fail.
    index = LocalIndex(ROOT / "requirements-build.lock", tmp_path)
    resolving = (*PIP, "--require-hashes", "-r", index.lock)
    assert "all requirements must have their versions pinned" in refused(index, tmp_path / "target", resolving)


def test_no_other_command_of_the_repository_resolves_anything():
    found = commands()
    assert len(found) >= 10  # what finds them still finds them
    for command in found:
        assert "--no-deps" in command.arguments, command
        without_hashes = {"--no-index", "--no-build-isolation"} & set(command.arguments)  # the members themselves
        assert "--require-hashes" in command.arguments or without_hashes, command
