"""What a container may do: nothing but run its service."""

import pytest

pytestmark = pytest.mark.images


def test_the_process_is_nobody_and_can_become_nobody_else(suite, service):
    status = dict(
        line.split(":\t", 1) for line in suite.sh(service, "cat /proc/1/status").splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["10001"] * 4
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_only_tmp_can_be_written(suite, service):
    written = suite.sh(
        service, "for d in / /opt/venv /home /var/tmp /tmp; do touch $d/probe 2>/dev/null && echo $d; done; true"
    )
    assert written.split() == ["/tmp"]


def test_limits_hold(suite, service):
    limits = suite.inspect(service)["HostConfig"]
    assert limits["Memory"] == 512 * 2**20
    assert limits["NanoCpus"] == 10**9
    assert limits["PidsLimit"] == 256
    assert limits["Privileged"] is False


def test_nothing_listens_beyond_loopback(suite, service):
    published = suite.inspect(service)["NetworkSettings"]["Ports"]
    addresses = {binding["HostIp"] for bindings in published.values() for binding in bindings or ()}
    assert addresses == {"127.0.0.1"}


def test_memory_at_rest_is_far_from_the_limit(suite, service):
    resident = suite.sh(service, "grep VmRSS /proc/1/status").split()
    assert int(resident[1]) < 256 * 1024
