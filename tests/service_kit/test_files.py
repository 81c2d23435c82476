from __future__ import annotations

import os
from pathlib import Path

import pytest
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.pins import Pins, PinsFileError
from mcp_toolbox.upstream.servers_file import read_servers
from mcp_toolbox.upstream.spec import Limits
from service_kit.files import read_file


def test_no_more_is_read_than_is_asked_for(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
    assert len(read_file(file, 100)) == 100
    assert len(read_file(file, 10)) == 11


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "missing"])
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path, kind: str):
    place = {"device": Path("/dev/zero")}.get(kind, tmp_path / kind)
    if kind == "pipe":
        os.mkfifo(place)
    if kind == "folder":
        place.mkdir()
    with pytest.raises(OSError, match=r"not a file|No such file"):
        read_file(place, 10)
    with pytest.raises(ServersFileError, match="cannot be read"):
        read_servers(place, Limits())
    if kind != "missing":  # no pins yet
        with pytest.raises(PinsFileError):
            Pins(place)
