"""A local package index: tiny wheels of what a lock pins, and of newer releases of all of it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

NEWER = "99999.0"
_ENTRY = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<marker> ; .+?)? \\$", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """One line of a lock; `marker` is empty or begins with a semicolon."""

    name: str
    version: str
    marker: str


def pins(lock: Path) -> list[Pin]:
    """What a lock pins, in its order."""
    return [Pin(found["name"], found["version"], found["marker"] or "") for found in _ENTRY.finditer(lock.read_text())]


class LocalIndex:
    """A folder of wheels, and the lock that pins the older half of them by their hashes.

    Each wheel needs the next one of the lock with an extra, as google-genai needs google-auth[requests]: a resolver
    looks for such a package afresh, finds the newer release, and has no hash of it.
    """

    def __init__(self, lock: Path, folder: Path) -> None:
        self.pins = pins(lock)
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.lock = folder / "requirements.lock"
        lines = []
        for number, pin in enumerate(self.pins):
            needed = self.pins[(number + 1) % len(self.pins)]
            _wheel(self.wheels, pin.name, NEWER, needed)
            wheel = _wheel(self.wheels, pin.name, pin.version, needed)
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            lines.append(f"{pin.name}=={pin.version}{pin.marker} \\\n    --hash=sha256:{digest}\n")
        self.lock.write_text("".join(lines))

    @property
    def environment(self) -> dict[str, str]:
        """What makes pip look here and nowhere else, whatever this machine's settings say."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        # --no-compile: there is nothing in the wheels.
        more = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "1"}
        return {**own, **more, "PIP_CONFIG_FILE": os.devnull}


def _wheel(folder: Path, name: str, version: str, needed: Pin) -> Path:
    stem = f"{re.sub(r'[-_.]+', '_', name)}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: more\n"
    members = {
        f"{stem}.dist-info/METADATA": f"{metadata}Requires-Dist: {needed.name}[more]{needed.marker}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in members.items())
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in members.items():
            wheel.writestr(member, text)
        wheel.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
