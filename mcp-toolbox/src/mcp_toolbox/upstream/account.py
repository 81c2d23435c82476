"""The user that other servers' processes have, where the toolbox runs as root and can choose one."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

NOBODY = "nobody"


class UnknownAccount(ValueError):
    """There is no such user, or it cannot be taken."""


@dataclass(frozen=True)
class Account:
    """A user, by its ids. `required` means that a server that cannot run as this user does not run; otherwise it runs
    as root without any capability, because it is then closed out of other processes, if not of root's files."""

    uid: int
    gid: int
    required: bool

    def home(self) -> Path:
        """Returns a folder that belongs to this user alone, for its servers' HOME and TMPDIR."""
        folder = Path(tempfile.gettempdir()) / f"mcp-servers-{self.uid}"
        try:
            folder.mkdir(mode=0o700)
            os.chown(folder, self.uid, self.gid)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid:  # somebody else was there first
                folder = Path(tempfile.mkdtemp(prefix=f"mcp-servers-{self.uid}-"))
                os.chown(folder, self.uid, self.gid)
        return folder


def account_of(name: str | None) -> Account | None:
    """Returns the account for servers' processes: that of the user `name` (a name or a number), or without one that of
    nobody. None means the toolbox's own user: it does not run as root, or `name` is root.

    Raises:
        UnknownAccount: there is no user of that name, or the toolbox may not take it.
    """
    if name is None:
        return None if os.geteuid() else _looked_up(NOBODY, required=False)
    account = _looked_up(name, required=True)
    if account.uid == os.geteuid():
        return None
    if os.geteuid():
        raise UnknownAccount("needs a toolbox that runs as root")
    return account


def _looked_up(name: str, *, required: bool) -> Account:
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        if name.isdecimal() and int(name) < 2**31:
            return Account(int(name), int(name), required)
        if name == NOBODY:
            return Account(65534, 65534, required)
        raise UnknownAccount(f"there is no user {name}") from None
    return Account(entry.pw_uid, entry.pw_gid, required)
