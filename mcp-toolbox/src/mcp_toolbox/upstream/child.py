"""A server's process: started with its own environment, and ended together with its descendants."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from mcp_toolbox.upstream import launcher
from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.errors import UpstreamUnavailable
from mcp_toolbox.upstream.spec import Command

_INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE"}
)
_LEAVE_SECONDS = 1.0
"""The time that a server has to end by itself after its input was closed (MCP, Lifecycle, Shutdown)."""

_GRACE_SECONDS = 2.0
_GONE_SECONDS = _GRACE_SECONDS + 6.0
_EXIT_POLLS, _EXIT_POLL_SECONDS = 50, 0.01


def environment_of(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Returns a server's environment: what any program needs, and the variables of its entry in the file. The toolbox's
    own keys are not in it."""
    basic = {name: value for name, value in environ.items() if name in _INHERITED or name.startswith("LC_")}
    return {**basic, **own}


class Child:
    """A running server. Its streams are pipes. Its process and all descendants end with `stop`, or when the toolbox
    ends, however that happens.

    `lifeline` is the toolbox's end of a pair of sockets; the launcher has the other. Each side notices when the other
    side ends.
    """

    def __init__(self, process: Process, lifeline: socket.socket) -> None:
        self._process = process
        self._lifeline = lifeline
        self._gone = asyncio.Event()
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr
        asyncio.get_running_loop().add_reader(lifeline, self._note_end)

    @classmethod
    async def start(cls, command: Command, environ: Mapping[str, str], account: Account | None = None) -> Child:
        """Starts `command`, as another user if `account` is given. `environ` is the toolbox's environment, of which the
        server gets the harmless part.

        Raises:
            UpstreamUnavailable: the program or the directory does not exist, or the process cannot be started.
        """
        env = environment_of(environ, command.env)
        program = _found(command, env)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-S", launcher.__file__, str(theirs.fileno()), str(_GRACE_SECONDS),
                    _argument_of(account, command), program, *command.args,
                    stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env, cwd=command.cwd, pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )  # fmt: skip
            except BaseException as error:
                ours.close()
                if isinstance(error, OSError | ValueError):
                    raise UpstreamUnavailable("its process could not be started") from error
                raise
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def process_id(self) -> int:
        """The id of the launcher, which is also that of its process group."""
        return self._process.pid

    async def wait(self) -> int | None:
        """Returns the exit code when the server and all of its descendants have ended, or None if it is not known."""
        await self._gone.wait()
        # Not Process.wait, which also waits for every process that has inherited a pipe.
        for _ in range(_EXIT_POLLS):
            if self._process.returncode is not None:
                break
            await asyncio.sleep(_EXIT_POLL_SECONDS)
        return self._process.returncode

    def abandon(self) -> None:
        """Leaves the server to the launcher, which ends it and its descendants without further help."""
        with contextlib.suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)

    async def stop(self) -> None:
        """Ends the server and its descendants: closes its input, then SIGTERM, then SIGKILL. Usually takes at most
        three seconds."""
        with contextlib.suppress(OSError, RuntimeError):
            self.stdin.close()
        try:
            if await self._gone_within(_LEAVE_SECONDS):
                return
            self.abandon()
            if not await self._gone_within(_GONE_SECONDS):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                await self._gone_within(_LEAVE_SECONDS)
        finally:
            self._close()

    async def _gone_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
            return True
        return False

    def _note_end(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            try:
                ended = not self._lifeline.recv(1)
            except ConnectionError:
                ended = True
            if ended:
                asyncio.get_running_loop().remove_reader(self._lifeline)
                self._gone.set()

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._lifeline)
        self._lifeline.close()
        # No public method closes the pipes, which stay open if another process has inherited them.
        self._process._transport.close()  # type: ignore[attr-defined]


def _argument_of(account: Account | None, command: Command) -> str:
    """Returns what the launcher is told of the server's user: its ids, and its folder unless the entry has another."""
    if account is None:
        return "-"
    home = "" if "HOME" in command.env else str(account.home())
    return f"{account.uid}:{account.gid}:{'must' if account.required else 'may'}:{home}"


def _found(command: Command, env: Mapping[str, str]) -> str:
    if command.cwd is not None and not command.cwd.is_dir():
        raise UpstreamUnavailable("its working directory does not exist")
    base = command.cwd or Path()
    name = str(base / command.command) if os.sep in command.command else command.command
    found = shutil.which(name, path=env.get("PATH"))
    if found is None:
        raise UpstreamUnavailable("its command was not found, or cannot be executed")
    return str(Path(found).absolute())
