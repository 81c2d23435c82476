"""The bench as a command: what it was asked for, and that it leaves nothing behind when it is stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import proc

ROOT = Path(__file__).resolve().parents[2]
MOCK_TOOLBOX_AND_AGENT = 3


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def family_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The command's processes, once it has started all that it starts."""
    for _ in range(600):
        family = proc.tree(process.pid)
        if len(family) > MOCK_TOOLBOX_AND_AGENT:
            return family
        assert process.poll() is None, "the bench ended by itself"
        time.sleep(0.05)
    raise AssertionError("the bench did not start its processes")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_no_process_behind(number, code):
    command = [sys.executable, "-m", "bench", "--only", "agents", "--rounds", "1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        family = family_of(process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert output == b"", "no report of a run that was not finished"
    assert [pid for pid in family if alive(pid)] == []


def test_an_unknown_part_is_refused():
    done = subprocess.run([sys.executable, "-m", "bench", "--only", "everything"], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
    assert b"invalid choice" in done.stderr


def test_a_comparison_needs_a_commit():
    done = subprocess.run([sys.executable, "-m", "bench", "--only", "against"], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
    assert b"--against COMMIT" in done.stderr
