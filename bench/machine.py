"""What the figures were measured on, without names that identify the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """The machine and the interpreters that a result belongs to."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    node: str | None
    load_average: float


def describe() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(int((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) / 1e6, 1),
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        node=_node(),
        load_average=round(os.getloadavg()[0], 2),
    )


def _field(path: str, name: str) -> str | None:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _node() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip() or None
