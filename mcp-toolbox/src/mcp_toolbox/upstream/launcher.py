"""Runs a server's command and makes sure that no process of it is left: a program between the toolbox and the server.

    python -I -S launcher.py LIFELINE GRACE ACCOUNT COMMAND [ARGUMENT …]

`LIFELINE` is a socket whose other end the toolbox holds. When it closes, however the toolbox has ended, the server gets
SIGTERM, and after `GRACE` seconds SIGKILL, together with all its descendants, even those that have left the process
group. On Linux orphaned descendants become children of this process (prctl(2), PR_SET_CHILD_SUBREAPER), so that it
finds all of them; elsewhere only the process group is ended. When the command ends by itself, its descendants are ended
too. The exit code is the command's own, or 128 + the signal that ended it.

`ACCOUNT` is `-` for this process's own user, or `UID:GID:must:HOME` or `UID:GID:may:HOME` for another one, which root
alone can take. With `may`, a command that this user cannot run is run as root without any capability: root's files are
open to it, the memory and environment of processes that are not dumpable are not.

It imports nothing of the toolbox: it starts in about 15 ms, and must work even if the rest does not.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_NO_ROOT_LOCKED = 0b1111
"""SECBIT_NOROOT and SECBIT_NO_SETUID_FIXUP, each with its lock."""

_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_PR_SET_CHILD_SUBREAPER = 36
_ANY_PROGRAMS = frozenset({"HOME", "PATH", "SHELL", "SSL_CERT_FILE", "TMPDIR"})
_KILL_SECONDS = 5.0
_MAX_DESCRIPTORS = 1 << 20
_MOST_INTERPRETERS = 4
_NOT_STARTED = 127
_LINUX = sys.platform == "linux"


def main(arguments: list[str]) -> int:
    """Runs the command until it ends or the toolbox does, and returns the exit code."""
    lifeline, grace, account, command = int(arguments[0]), float(arguments[1]), arguments[2], arguments[3:]
    os.set_inheritable(lifeline, False)
    _close_all_but(lifeline)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_DUMPABLE, 0)  # the server's secrets are not other servers'
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    wakeup = _wakeup_on_child()
    child = os.fork()
    if child == 0:
        _become(account, command)
    _leave_streams_to_the_child()
    code = _watch(child, lifeline, wakeup)
    _end_family(grace)
    return _NOT_STARTED if code is None else code


def _close_all_but(lifeline: int) -> None:
    """Closes every descriptor but the streams and the lifeline: uvloop leaves open what is not marked to be closed."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, lifeline)
    os.closerange(lifeline + 1, min(most, _MAX_DESCRIPTORS) if most > 0 else _MAX_DESCRIPTORS)


def _become(account: str, command: list[str]) -> None:
    try:
        _take(account, command)
    except OSError as error:
        os.write(2, f"its user cannot be taken: {error.strerror}\n".encode())
        os._exit(_NOT_STARTED)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # if this process is killed, it can no longer end the child
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(_NOT_STARTED)


def _take(account: str, command: list[str]) -> None:
    """Gives this process, which is about to be the server, its user. Raises OSError."""
    if account == "-":
        return
    uid, gid, need, home = account.split(":", 3)
    if need == "may" and not _runs_as(int(uid), int(gid), command):
        _drop_capabilities()
        return
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    os.environ.update({"HOME": home, "TMPDIR": home} if home else {})
    for name in ("USER", "LOGNAME"):
        os.environ.pop(name, None)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _runs_as(uid: int, gid: int, command: list[str]) -> bool:
    """Returns whether a user can execute the command, and reach the files that its arguments and variables name: read
    those that are there, and write into the folders of those that are not."""
    named = [*command[1:], *(value for name, value in os.environ.items() if name not in _ANY_PROGRAMS)]
    paths = [path for path in named if os.path.isabs(path)]  # noqa: PTH117 - pathlib would take as long as all else
    there = [path for path in paths if os.path.exists(path)]  # noqa: PTH110
    folders = {os.path.dirname(path) for path in paths if path not in there}  # noqa: PTH120
    to_make = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112
    programs = [command[0], *_interpreters(command[0])]
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        return (
            all(os.access(program, os.R_OK | os.X_OK, effective_ids=True) for program in programs)
            and os.access(".", os.X_OK, effective_ids=True)
            and all(os.access(path, os.R_OK, effective_ids=True) for path in there)
            and all(os.access(folder, os.W_OK | os.X_OK, effective_ids=True) for folder in to_make)
        )
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _interpreters(program: str) -> list[str]:
    """Returns the program that the first line of a script names, and if that is a script too, the one that it names."""
    found: list[str] = []
    for _ in range(_MOST_INTERPRETERS):
        try:
            with open(program, "rb") as script:  # noqa: PTH123
                line = script.readline(4096)
        except OSError:
            break
        words = line[2:].split() if line.startswith(b"#!") else []
        if not words:
            break
        program = os.fsdecode(words[0])
        found.append(program)
    return found


def _drop_capabilities() -> None:
    """Gives up every capability for good, also those that root gains when it starts a program (capabilities(7))."""
    _prctl(_PR_SET_SECUREBITS, _NO_ROOT_LOCKED)
    for capability in range(64):
        _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if _LINUX:  # enough by itself where a container's root may not do the above (capset(2), version 3, all empty)
        header, empty = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        ctypes.CDLL(None, use_errno=True).capset(header, empty)


def _leave_streams_to_the_child() -> None:
    """Closes this process's copies of the streams. Otherwise a stream would not end when the child closes its own."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wakeup_on_child() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _watch(child: int, lifeline: int, wakeup: int) -> int | None:
    """Returns the child's exit code when it ends, or None when the lifeline closes first."""
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    poll.register(wakeup, select.POLLIN)
    while True:
        ended = _reaped()
        if child in ended:
            code = os.waitstatus_to_exitcode(ended[child])
            return 128 - code if code < 0 else code
        ready = {descriptor for descriptor, _ in poll.poll()}
        if lifeline in ready:
            return None
        with contextlib.suppress(BlockingIOError):
            os.read(wakeup, 4096)


def _reaped() -> dict[int, int]:
    """Returns the exit statuses of all children that have ended, adopted ones included."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            ended[process] = status
    return ended


def _end_family(grace: float) -> None:
    """Sends SIGTERM to the descendants, and SIGKILL after `grace` seconds. Processes that are forked meanwhile are
    found in the next round."""
    _signal(_family(), signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _family() and time.monotonic() < deadline:
        time.sleep(0.01)
    deadline = time.monotonic() + _KILL_SECONDS
    while (left := _family()) and time.monotonic() < deadline:
        _signal(left, signal.SIGKILL)
        time.sleep(0.01)


def _signal(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _family() -> list[int]:
    """Returns the ids of all living descendants of this process."""
    _reaped()
    if not _LINUX:
        return _group()
    parents = dict(filter(None, map(_parent, filter(str.isdigit, os.listdir("/proc")))))  # noqa: PTH208 - pathlib would take as long as all else
    known = {os.getpid()}
    while found := {process for process, parent in parents.items() if parent in known} - known:
        known |= found
    return sorted(known - {os.getpid()})


def _parent(process: str) -> tuple[int, int] | None:
    """Returns the ids of a process and its parent (proc(5), /proc/PID/stat), or None if it is dead."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except OSError:
        return None
    return None if state in (b"Z", b"X") else (int(process), int(parent))


def _group() -> list[int]:
    """Returns the process group as the negative number that kill(2) takes, if any process is left in it. This process
    is in the group, and ignores SIGTERM."""
    try:
        os.waitid(os.P_PGID, os.getpgrp(), os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return []
    return [-os.getpgrp()]


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
