"""Write the hash-pinned locks: one of everything, and derived from it what runs the suite, each image, builds, and the
server of the local model. The bench's peers have one each, by themselves.

`make lock` calls this. Extra arguments go to the resolution of the workspace, e.g. `--upgrade` or
`--upgrade-package fastapi`; without them everything that is locked stays as it is.

uv.lock would record where each file was downloaded from; these locks hold names, versions and hashes only, so
that any index serves them. They are complete, so they are installed and not resolved: `scripts/install-lock.sh`.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

PYTHON_VERSION = "3.11"
DEV_LOCK = "requirements-dev.lock"
RUN_LOCK = "requirements.lock"
SERVICE_LOCK = "requirements.lock"
BUILD_LOCK = "requirements-build.lock"
MODEL_LOCK = "requirements-model-server.lock"
RUN_GROUPS = ("run", "build")  # the members are installed from their sources, which builds them


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


def extras(root: Path, service: str) -> list[str]:
    """Names of a member's optional dependencies: what single parts of it need."""
    project = tomllib.loads((root / service / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project.get("optional-dependencies", ()))


def lock_workspace(root: Path, extra: Sequence[str]) -> None:
    """Resolve every member and every group together."""
    compile_lock(root, DEV_LOCK, ["pyproject.toml", *_named("--group", groups(root)), *extra])


def lock_run(root: Path) -> None:
    """What starts the four services from their sources, as `make up` does."""
    derive_lock(root, RUN_LOCK, ["pyproject.toml", *_named("--group", RUN_GROUPS)])


def lock_build(root: Path) -> None:
    """What turns the members into wheels, for the build stage of the images."""
    derive_lock(root, BUILD_LOCK, ["--group", "build"])


def lock_model(root: Path) -> None:
    """What serves the local model."""
    derive_lock(root, MODEL_LOCK, ["--group", "model"])


def lock_service(root: Path, service: str) -> None:
    """What one service needs at run time, with all its options, its members' needs included."""
    options = _named("--extra", extras(root, service))
    derive_lock(root, f"{service}/{SERVICE_LOCK}", [f"{service}/pyproject.toml", *options])


def lock_peer(root: Path, asked: Path) -> None:
    """What one of the bench's peers is measured with: `asked` names its version."""
    compile_lock(root, str(asked.with_suffix(".lock").relative_to(root)), [str(asked.relative_to(root))])


def _named(option: str, names: Iterable[str]) -> list[str]:
    return [arg for name in names for arg in (option, name)]


def derive_lock(root: Path, target: str, arguments: Sequence[str]) -> None:
    """A lock of a part of the workspace, at the workspace's versions."""
    compile_lock(root, target, [*arguments, "--constraint", DEV_LOCK])


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
        lock_run(root)
        lock_build(root)
        lock_model(root)
        for service in services(root):
            lock_service(root, service)
        for asked in sorted((root / "bench/locks").glob("*.in")):
            lock_peer(root, asked)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
