"""Starting, awaiting and ending the processes of a run: each by its pid, each ended whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bench import proc

_GRACE_S = 5.0
_STOPS = (signal.SIGINT, signal.SIGTERM)


class NotStarted(Exception):
    """A process ended, or stayed silent, before it answered; the message says which, and ends with its output."""


class Cores:
    """Which processor each side of a run keeps to: whichever the scheduler likes, or, pinned, one core for the system
    under test alone and the others for the rest.

    Pinned, placement is the same for every system, but each call crosses cores and no system can step aside from a
    busy neighbor. With one core there is nothing to choose.
    """

    def __init__(self, available: Sequence[int], *, pin: bool = False) -> None:
        ordered = sorted(available)
        everything = frozenset(ordered)
        pinned = pin and len(ordered) > 1
        self.system = frozenset(ordered[-1:]) if pinned else everything
        self.rest = everything - self.system if pinned else everything
        self.pinned = pinned

    def keep_aside(self, pid: int) -> None:
        """Move a process that is not under test off the core of those that are."""
        os.sched_setaffinity(pid, self.rest)


def environment(**more: str) -> dict[str, str]:
    """What a child process inherits: little, so that no proxy and no key of the caller's shell shapes a figure."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(
    argv: Sequence[str | Path], *, env: Mapping[str, str], log: Path, cores: frozenset[int], cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, its output in `log`; on leaving, it and its children are ended."""
    with (
        log.open("wb") as output,
        spawned(
            [str(part) for part in argv],
            _end,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        os.sched_setaffinity(process.pid, cores)
        yield process


@contextlib.contextmanager
def spawned(
    argv: Sequence[str], end: Callable[[subprocess.Popen[bytes]], None], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that `end` ends, whatever happens; `options` are Popen's.

    A signal that comes between its start and the moment when it is known here would leave it behind, so such a signal
    waits until then.
    """
    held = _HeldBack()
    try:
        start = cast("Callable[..., subprocess.Popen[bytes]]", subprocess.Popen)  # no option here asks for text
        process = start(argv, start_new_session=True, **options)
    except BaseException:
        held.release()
        raise
    try:
        held.release()
        yield process
    finally:
        end(process)


class _HeldBack:
    """The signals that stop a run, remembered from now until `release`, at which they come. (Blocking them would not
    do: with a second thread the kernel hands them to that one, and Python still runs their handler in the first.)"""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before = {number: signal.signal(number, self._remember) for number in _STOPS}

    def _remember(self, number: int, frame: object) -> None:
        self._came.append(number)

    def release(self) -> None:
        """Restore the handlers; raises whatever they raise."""
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for number in self._came:
            signal.raise_signal(number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, some seconds of grace, then SIGKILL for whatever of its family is left."""
    family = proc.tree(process.pid) if process.poll() is None else []
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    for pid in [*family, process.pid]:
        if pid == process.pid and process.poll() is not None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def wait_until_answers(process: subprocess.Popen[bytes], port: int, path: str, log: Path, timeout_s: float) -> None:
    """Return when `GET path` answers 200; raise NotStarted when the process ends or the time does first."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotStarted(f"ended with code {process.returncode}: {tail(log)}")
        if _answers(port, path):
            return
        time.sleep(0.05)
    raise NotStarted(f"GET {path} gave no 200 within {timeout_s:.0f} s: {tail(log)}")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tail(log: Path, characters: int = 400) -> str:
    """The end of a log, on one line."""
    return " ".join(log.read_text(errors="replace").split())[-characters:]
