"""Processes are pinned, watched and ended with their whole family; one that does not come up says why."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from bench import proc
from bench.processes import Cores, NotStarted, environment, free_port, running, spawned, wait_until_answers

CORES = Cores(list(os.sched_getaffinity(0)))


def start(code: str, log):
    return running([sys.executable, "-c", code], env=environment(), log=log, cores=CORES.system)


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def wait_for(log, text: str) -> str:
    for _ in range(200):
        if text in (found := log.read_text()):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{text!r} never came: {log.read_text()}")


def test_a_pinned_system_has_a_core_that_nothing_else_uses():
    cores = Cores([0, 1, 2], pin=True)
    assert cores.system == {2}
    assert cores.rest == {0, 1}
    assert Cores([0], pin=True).system == Cores([0], pin=True).rest == {0}
    assert Cores([0, 1]).system == {0, 1}


def test_children_end_with_their_parent_even_when_they_refuse(tmp_path):
    log = tmp_path / "log"
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code = f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', {child!r}]); print('child', p.pid, flush=True); time.sleep(60)"  # noqa: E501
    with start(code, log) as process:
        pid = int(wait_for(log, "child").split()[1])
        assert set(proc.tree(process.pid)) == {process.pid, pid}
        assert proc.resident_mb(proc.tree(process.pid)) > 5
    assert not alive(process.pid)
    for _ in range(25):  # an orphan that was killed is reaped by init, which takes its time
        if not alive(pid) or _is_zombie(pid):
            return
        time.sleep(0.02)
    raise AssertionError("the child outlived its parent")


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "Z"
    return True


def test_processes_end_when_the_run_is_interrupted(tmp_path):
    started = []
    with pytest.raises(KeyboardInterrupt), start("import time; time.sleep(60)", tmp_path / "log") as process:
        started.append(process)
        raise KeyboardInterrupt
    assert started[0].poll() is not None


def test_processor_time_is_that_of_the_process(tmp_path):
    log = tmp_path / "log"
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\ntime.sleep(60)"
    with start(code, log) as process:
        wait_for(log, "done")
        assert 0.15 < proc.cpu_seconds([process.pid]) < 2


def test_a_process_that_fails_says_why(tmp_path):
    log = tmp_path / "log"
    with (
        start("raise SystemExit('no such setting')", log) as process,
        pytest.raises(NotStarted, match="no such setting"),
    ):
        wait_until_answers(process, free_port(), "/", log, 10)


def test_a_process_that_never_answers_is_given_up(tmp_path):
    log = tmp_path / "log"
    with start("import time; time.sleep(60)", log) as process, pytest.raises(NotStarted, match="no 200 within"):
        wait_until_answers(process, free_port(), "/readyz", log, 0.2)


def test_children_inherit_no_proxy_and_no_key():
    assert set(environment(PORT="1")) <= {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONUNBUFFERED", "PORT"}


def test_a_stop_that_comes_while_a_process_is_started_leaves_none_behind():
    """The signal comes as early as it can: from the child itself, before its parent has it in hand."""
    ended: list[int] = []

    def end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        ended.append(process.pid)

    def stopped(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before, done = signal.signal(signal.SIGTERM, stopped), threading.Event()
    second_thread = threading.Thread(target=done.wait)
    second_thread.start()
    try:
        for _ in range(25):
            command = ["/bin/sh", "-c", "kill -TERM $PPID; exec sleep 20"]
            with pytest.raises(KeyboardInterrupt), spawned(command, end) as process:
                process.wait(60)
    finally:
        signal.signal(signal.SIGTERM, before)
        done.set()
        second_thread.join()
    assert len(ended) == 25


def test_a_child_can_be_stopped_like_any_other(tmp_path):
    """What is held back while it is started is not held back from it."""
    log = tmp_path / "log"
    code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True); signal.pause()"
    with start(code, log) as process:
        assert wait_for(log, "set").strip() == "set()"
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_a_command_that_is_not_there_leaves_signals_as_they_were(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(FileNotFoundError), spawned([str(tmp_path / "missing")], lambda process: None):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
