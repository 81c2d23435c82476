"""Links resolve, make targets exist, and the repository speaks of the product alone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.repository import ROOT, blocks, files, without_blocks

DOCUMENTS = files("*.md")
LOCKS = files("*.lock")

# The tildes keep this file from finding itself.
REGISTRIES = ("pypi~.org", "python~hosted", "npm~js", "registry.~npm", "docker~.io/", "ghcr~.io", "quay~.io")
WORKPLACE = (
    r"/wor~k/", r"\.\./shar~ed", r"\.lib~rary", r"\bfar~m-", r"\bissues sho~w", r"working agre~ement",
    r"\bspe~c\.md", r"\bcontr~act\.md", r"\bsub~agent", r"\bhelper ses~sion",
)  # fmt: skip


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(document: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", without_blocks(document))
    relative = [target for target in targets if not re.match(r"[a-z]+:", target)]
    missing = []
    for target in relative:
        path, _, fragment = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or (fragment and fragment not in _anchors(there)):
            missing.append(target)
    assert not missing


def _anchors(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_make_targets_that_it_names_exist(document: Path):
    text = document.read_text()
    inline = re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z][a-z-]*)", text)
    in_blocks = [name for code in blocks(document, "sh") for name in re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)]
    assert set(inline + in_blocks) <= _targets()


def test_some_targets_are_named():
    assert {"up", "test", "chat", "bench"} <= set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))


def test_make_help_lists_every_target():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    assert all(line[0] == "make" and len(line) == 3 for line in lines)
    assert {line[1] for line in lines} == _targets()
    assert _make("-n").startswith("awk")  # `make` alone is `make help`


def _make(*arguments: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def test_no_package_registry_is_named():
    words = [word.replace("~", "") for word in REGISTRIES]
    found = [(path.name, word) for path in files() for word in words if word in _text(path).lower()]
    assert not found


def test_the_repository_speaks_of_the_product_alone():
    pattern = re.compile("|".join(WORKPLACE).replace("~", ""), re.IGNORECASE)
    found = [(str(path.relative_to(ROOT)), hit[0]) for path in files() if (hit := pattern.search(_text(path)))]
    assert not found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_holds_hashes_and_no_address(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    assert "index-url" not in text
    pinned = re.findall(r"^[\w.\[\]-]+==\S+.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pinned
    assert all("--hash=sha256:" in one for one in pinned)
