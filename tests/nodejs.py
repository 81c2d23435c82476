"""Programs of npm packages, as tests run them: `scripts/install-node-tools.sh` has installed them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "node"
_MODULES = FOLDER / "node_modules"


class NodeMissingError(Exception):
    """Something of tests/node is not installed; the message says what to do."""


class Finished(NamedTuple):
    """How a program ended: its exit code, and what it said on standard output and standard error."""

    code: int
    output: str
    errors: str


def node() -> str:
    """The path of Node.js.

    Raises:
        NodeMissingError: it is not there.
    """
    return str(_there(_MODULES / ".bin" / "node"))


def program(package: str, name: str | None = None) -> str:
    """The script behind a package's program (the only one, or the one of that name): an argument of `node()`.

    Raises:
        NodeMissingError: the package is not installed.
    """
    folder = _MODULES / package
    named = json.loads(_there(folder / "package.json").read_text("utf-8"))["bin"]
    script = named if isinstance(named, str) else named[name] if name else next(iter(named.values()))
    return str(folder / script)


async def run_node(
    script: str | Path, *arguments: str, timeout: float = 60, environ: Mapping[str, str] | None = None
) -> Finished:
    """Run a script to its end.

    Raises:
        TimeoutError: it did not end within `timeout` seconds; it has been killed.
    """
    process = await asyncio.create_subprocess_exec(
        node(), str(script), *arguments,
        cwd=FOLDER, env={**os.environ, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Finished(process.returncode, output.decode(), errors.decode())


def _there(path: Path) -> Path:
    if not path.exists():
        raise NodeMissingError(f"{path.relative_to(FOLDER)} is not installed: run scripts/install-node-tools.sh")
    return path
