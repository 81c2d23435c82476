"""Hostile clients over plain sockets, and measurements of the service meanwhile."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

GET = b"GET /pid HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=6) as one:
        yield one


def send_all(one: socket.socket, pieces: Iterable[bytes]) -> int:
    """The bytes of `pieces` that could be sent before the other side hung up."""
    sent = 0
    with suppress(OSError):
        for piece in pieces:
            one.sendall(piece)
            sent += len(piece)
    return sent


def everything(one: socket.socket) -> bytes:
    """What comes until the other side hangs up, in whichever way."""
    received = b""
    with suppress(ConnectionError):
        while piece := one.recv(65536):
            received += piece
    return received


def answer_of(raw: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON body of one answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)


def resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):  # the most that it ever was
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")
