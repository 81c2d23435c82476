"""A service as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import socket
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from service_kit.service import refuse_open_mode, server_config
from service_kit.settings import ServiceSettings, SettingsError, load

from tests.ports import free_port
from tests.service_kit.harness import small_service
from tests.service_kit.service_process import ServiceProcess, process


@pytest.fixture
def port() -> int:
    return free_port()


# --- who may listen where ---


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost"])
def test_loopback_may_be_open(host: str):
    refuse_open_mode(load(ServiceSettings, {"HOST": host}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "10.0.0.1", "my-host", "localhost.example"])
def test_beyond_loopback_it_must_be_said(host: str):
    with pytest.raises(SettingsError, match=r"^HOST: .*AUTH_MODE=keys.*ALLOW_OPEN=true"):
        refuse_open_mode(load(ServiceSettings, {"HOST": host}))
    refuse_open_mode(load(ServiceSettings, {"HOST": host, "ALLOW_OPEN": "true"}))
    refuse_open_mode(load(ServiceSettings, {"HOST": host, "AUTH_MODE": "keys", "API_KEYS": "some-key"}))


@pytest.mark.parametrize("keys", ["", " , "])
@pytest.mark.parametrize("allow_open", ["true", "false"])
def test_keys_without_a_key_lock_everybody_out(keys: str, allow_open: str):
    with pytest.raises(SettingsError, match=r"^API_KEYS: "):
        refuse_open_mode(load(ServiceSettings, {"AUTH_MODE": "keys", "API_KEYS": keys, "ALLOW_OPEN": allow_open}))


def test_proxies_count_only_when_named():
    app = small_service({})
    assert not server_config(app, load(ServiceSettings, {})).proxy_headers
    trusting = server_config(app, load(ServiceSettings, {"TRUSTED_PROXIES": "10.0.0.1,10.0.0.2"}))
    assert (trusting.proxy_headers, trusting.forwarded_allow_ips) == (True, ["10.0.0.1", "10.0.0.2"])


def test_a_prefix_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small_service({"ROOT_PATH": "/api"})


# --- starting ---


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"HOST": "0.0.0.0"}, "HOST"),
        ({"AUTH_MODE": "keys"}, "API_KEYS"),
        ({"MAX_BODY_BYTES": "many"}, "MAX_BODY_BYTES"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_line(port: int, environ: dict[str, str], named: str):
    with process(port, **environ) as service:
        assert service.wait() == 2
        assert service.output.startswith(f"configuration error: {named}: ")
        assert service.output.count("\n") == 1


def test_a_taken_port_is_said_without_a_trace(port: int):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with process(port) as service:
            assert service.wait() == 1
            assert "address already in use" in service.output
            assert f"could not start on 127.0.0.1, port {port}" in service.output
            assert "Traceback" not in service.output


def test_one_worker_whatever_the_environment_says(port: int):
    with process(port, WEB_CONCURRENCY="4") as service:
        service.wait_until_ready()
        with httpx.Client() as http:
            pids = {http.get(f"{service.url}/pid", headers={"connection": "close"}).json() for _ in range(8)}
        assert pids == {service.process.pid}
        assert not Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()


# --- stopping ---


def _ask_in_background(pool: concurrent.futures.Executor, service: ServiceProcess, seconds: float):
    future = pool.submit(httpx.get, f"{service.url}/slow", params={"seconds": seconds}, timeout=30)
    _wait_until(lambda: httpx.get(f"{service.url}/working").json() == 1)
    return future


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _refuses(service: ServiceProcess) -> bool:
    try:
        httpx.get(f"{service.url}/healthz")
    except httpx.TransportError:
        return True
    return False


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(port: int, sig: signal.Signals):
    with process(port) as service:
        service.wait_until_ready()
        service.process.send_signal(sig)
        assert service.wait(10) == 0
        messages = [json.loads(line)["message"] for line in service.output.splitlines()]
        assert (messages[0], messages[-1]) == ("starting", "stopped")
        assert "Traceback" not in service.output


def test_what_runs_is_finished_while_nobody_new_is_let_in(port: int):
    with process(port, SHUTDOWN_GRACE_SECONDS="10") as service, concurrent.futures.ThreadPoolExecutor() as pool:
        service.wait_until_ready()
        with httpx.Client(base_url=service.url) as kept:
            kept.get("/healthz")
            running = _ask_in_background(pool, service, 1.5)
            service.process.terminate()
            _wait_until(lambda: _refuses(service))
            assert not running.done()
            assert running.result().json() == {"finished": True}
        assert service.wait(10) == 0
        requests = [json.loads(line) for line in service.output.splitlines() if '"request"' in line]
        assert [line["path"] for line in requests if line["path"] != "/working"] == ["/slow"]  # its line was not lost


def test_what_outlives_the_grace_period_is_cut(port: int):
    with process(port, SHUTDOWN_GRACE_SECONDS="1") as service, concurrent.futures.ThreadPoolExecutor() as pool:
        service.wait_until_ready()
        running = _ask_in_background(pool, service, 25)
        started = time.monotonic()
        service.process.terminate()
        assert service.wait(10) == 0
        assert time.monotonic() - started < 8
        failure = running.exception()
        if failure is None:
            assert running.result().json()["error"]["code"] == "stopping"
        else:
            assert isinstance(failure, httpx.TransportError)
        assert "Traceback" not in service.output


@pytest.mark.parametrize("after", [0, 60], ids=["its own error", "the stop"])
def test_an_answer_that_is_cut_is_reported_once_and_not_by_the_server(port: int, after: float):
    with process(port, SHUTDOWN_GRACE_SECONDS="1") as service:
        service.wait_until_ready()
        with httpx.stream("GET", f"{service.url}/broken", params={"after": after}, timeout=30) as answer:
            pieces = answer.iter_raw()
            assert next(pieces) == b"begun"
            if after:
                service.process.terminate()
            with pytest.raises(httpx.RemoteProtocolError):  # the last chunk did not come
                next(pieces)
        if not after:
            service.process.terminate()
        assert service.wait() == 0
        assert len(service.lines("unexpected error")) == (not after)
        assert len(service.lines("cut off by the stop")) == bool(after)
        assert "ASGI callable" not in service.output
