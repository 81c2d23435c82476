"""Write the hash-pinned locks: one for the workspace, and derived from it one for each image and one for builds.

`make lock` calls this. Extra arguments go to the resolution of the workspace, e.g. `--upgrade` or
`--upgrade-package fastapi`; without them everything that is locked stays as it is.

uv.lock would record where each file was downloaded from; these locks hold names, versions and hashes only, so
that any index serves them: `pip install --require-hashes -r FILE`.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

PYTHON_VERSION = "3.11"
ROOT_LOCK = "requirements.lock"
BUILD_LOCK = "requirements-build.lock"
BUILD_GROUP = "build"


def members(root: Path) -> dict[str, Path]:
    """The workspace's packages by name, with the folder of each, from the root pyproject.toml."""
    workspace = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return {Path(folder).name: root / folder for folder in workspace["tool"]["uv"]["workspace"]["members"]}


def services(root: Path) -> list[str]:
    """Members that ship as an image: those with a Dockerfile."""
    return [name for name, folder in members(root).items() if (folder / "Dockerfile").is_file()]


def groups(root: Path) -> list[str]:
    """Names of the root's dependency groups: what building, testing, linting and locking take."""
    return list(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["dependency-groups"])


def lock_workspace(root: Path, extra: Sequence[str]) -> None:
    """Resolve every member and every group together."""
    chosen = [arg for group in groups(root) for arg in ("--group", group)]
    compile_lock(root, ROOT_LOCK, ["pyproject.toml", *chosen, *extra])


def lock_build(root: Path) -> None:
    """What turns the members into wheels, for the build stage of the images."""
    compile_lock(root, BUILD_LOCK, ["--group", BUILD_GROUP, "--constraint", ROOT_LOCK])


def lock_service(root: Path, service: str) -> None:
    """What one service needs at run time, its members' needs included, at the workspace's versions."""
    compile_lock(root, f"{service}/{ROOT_LOCK}", [f"{service}/pyproject.toml", "--constraint", ROOT_LOCK])


def compile_lock(root: Path, target: str, arguments: Iterable[str]) -> None:
    """Run `uv pip compile` in `root`; raises CalledProcessError when there is no resolution."""
    own = [arg for name in members(root) for arg in ("--no-emit-package", name)]
    fixed = ["--universal", "--python-version", PYTHON_VERSION, "--generate-hashes", "--no-header", "--no-annotate"]
    compiler = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--output-file", target]
    subprocess.run([*compiler, *fixed, *own, *arguments], cwd=root, check=True, stdout=subprocess.DEVNULL)


def main(arguments: Sequence[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    try:
        lock_workspace(root, arguments)
        lock_build(root)
        for service in services(root):
            lock_service(root, service)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
