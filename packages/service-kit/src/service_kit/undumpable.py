"""A process whose memory and environment other processes of its user cannot read."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def close_to_other_processes() -> None:
    """Makes this process not dumpable (prctl(2), PR_SET_DUMPABLE; proc(5)). Its environment, memory, maps and
    descriptors in /proc are then closed to every process without CAP_SYS_PTRACE, whichever user it has, and it leaves
    no core dump. On other systems than Linux it does nothing.

    A service calls it before it reads its settings, since whatever it starts has its user.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
