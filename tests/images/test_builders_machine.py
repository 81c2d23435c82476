"""Nothing of the machine that built an image is in it: no certificate authority, no setting of pip, no name."""

from __future__ import annotations

import mmap
import re
import socket
from pathlib import Path

import pytest

from tests.images.conftest import CANARY

pytestmark = [pytest.mark.images, pytest.mark.timeout(900)]

AUTHORITIES = Path("/usr/local/share/ca-certificates")
SETTINGS = """
import glob
places = ["/etc/pip.conf", "/etc/xdg/pip", "/root/.config/pip", "/root/.pip", "/usr/local/share/ca-certificates/*"]
print([found for place in places for found in glob.glob(place)])
"""


def traces() -> list[bytes]:
    """What would give the machine away: a line of each of its own authorities, and what the build was told."""
    bodies = [re.findall(r"^[A-Za-z0-9+/]{64}$", file.read_text(), re.MULTILINE) for file in AUTHORITIES.glob("*.crt")]
    pip = Path("/etc/pip.conf")
    hosts = re.findall(r"://(?:[^/@\s]*@)?([\w.-]+)", pip.read_text()) if pip.is_file() else []
    return [line.encode() for line in (CANARY, *(body[1] for body in bodies if len(body) > 1), *hosts)]


def test_no_layer_holds_a_trace_of_it(image, tmp_path):
    saved = tmp_path / "image.tar"
    image.save(saved)
    with open(saved, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        assert content.find(b"site-packages/service_kit/") != -1  # what is there is found
        assert [trace for trace in traces() if content.find(trace) != -1] == []


def test_the_history_says_nothing_of_it(image):
    history = image.history()
    assert "pip" not in history
    assert not [trace for trace in traces() if trace.decode() in history]
    assert socket.gethostname() not in history


def test_no_setting_of_it_is_left(image):
    assert image.python(SETTINGS).strip() == "[]"
