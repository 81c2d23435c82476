"""The services of the suite as child processes: started, followed and stopped."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from suite_plan import ROOT, CannotStart, Service

READY_SECONDS = 60.0
GRACE_SECONDS = 15.0

_COLORS = ("\x1b[36m", "\x1b[35m", "\x1b[32m", "\x1b[33m", "\x1b[34m")
_RESET = "\x1b[0m"
_LONGEST_LINE = 1024 * 1024
"""In bytes, of what a service writes."""
_PR_SET_PDEATHSIG = 1


class Suite:
    """The running children."""

    def __init__(self, services: Sequence[Service], *, colored: bool) -> None:
        self._services = services
        self._colored = colored
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[object]] = []
        self._width = max(len(service.name) for service in services)

    async def start(self) -> None:
        for number, service in enumerate(self._services):
            child = await asyncio.create_subprocess_exec(
                *service.command,
                env=dict(service.environment),
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LONGEST_LINE,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
                preexec_fn=_die_with_parent,
            )
            self._children[service.name] = child
            self._tasks.append(asyncio.create_task(self._relay(service.name, child, _COLORS[number % len(_COLORS)])))

    async def _relay(self, name: str, child: asyncio.subprocess.Process, color: str) -> None:
        assert child.stdout is not None
        label = f"{name:<{self._width}} │ "
        prefix = f"{color}{label}{_RESET}" if self._colored else label
        while True:
            try:
                line = await child.stdout.readline()
            except ValueError:  # over the limit: what has been read of it is gone, and the rest follows as a line
                line = b"(a line that is too long to be shown)\n"
            if not line:
                return
            say(prefix + line.decode("utf-8", "replace").rstrip())

    async def wait_until_ready(self) -> None:
        """Until every service says that it is ready.

        Raises:
            CannotStart: one of them ended, or was not ready in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        for service in self._services:
            while not await asyncio.to_thread(_answers, f"{service.url}{service.ready_path}"):
                if self._children[service.name].returncode is not None:
                    raise CannotStart(f"{service.name} ended before it was ready; its last lines are above")
                if time.monotonic() > deadline:
                    raise CannotStart(f"{service.name} was not ready within {READY_SECONDS:.0f} s")
                await asyncio.sleep(0.05)

    async def wait_for_the_first_to_end(self) -> str:
        """The name of the first service that ends by itself."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self._children.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    async def stop(self) -> None:
        """SIGTERM in reverse order of starting; SIGKILL for what is still there after the grace period."""
        for child in reversed(self._children.values()):
            if child.returncode is None:
                child.terminate()
        waits = [asyncio.create_task(child.wait()) for child in self._children.values()]
        if waits:
            await asyncio.wait(waits, timeout=GRACE_SECONDS)
        for child in self._children.values():
            if child.returncode is None:
                child.kill()
                await child.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _die_with_parent() -> None:
    """On Linux, have the kernel stop the child when we are killed without a chance to stop it ourselves."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def say(text: str) -> None:
    """Prints `text`. Where the output is closed, as behind `make up | head`, the services run on unseen: they must not
    be held up, nor be left behind, because a line of them cannot be shown."""
    try:
        print(text, flush=True)  # noqa: T201 - a terminal program
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
