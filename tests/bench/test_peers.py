"""A peer that is not there is a reason in the report, never a figure."""

import os
from collections.abc import Callable

import pytest

from bench import peers
from bench.peers import NotInstalled, install_portkey
from bench.processes import Cores, NotStarted, free_port
from bench.systems import MESSAGES, System, mock_upstream


def test_a_machine_without_node_is_said_so(tmp_path):
    with pytest.raises(NotInstalled, match="node and npm"):
        install_portkey(tmp_path / "portkey", path=str(tmp_path))
    assert not (tmp_path / "portkey").exists()


def test_an_installed_peer_is_not_installed_again(tmp_path):
    (tmp_path / f".installed-{peers.LITELLM_VERSION}").touch()
    assert peers.install_litellm(tmp_path) == tmp_path / "bin" / "litellm"
    assert not (tmp_path / "bin").exists(), "nothing was run"


@pytest.fixture
def claims_rust() -> Callable[[int], System]:
    """A system at a port, said to be LiteLLM with its core in Rust."""
    return lambda port: System(peers.RUST, "", port, {}, os.getpid(), asks={MESSAGES: "claude-sonnet-4-5"})


def test_answers_that_do_not_say_that_they_come_from_rust_are_not_measured(tmp_path, claims_rust):
    with (
        mock_upstream(tmp_path, Cores(list(os.sched_getaffinity(0)))) as upstream,
        pytest.raises(NotStarted, match="x-litellm-rust"),
    ):
        peers.check_rust(claims_rust(upstream.port))


def test_a_system_that_does_not_answer_is_not_measured(claims_rust):
    with pytest.raises(NotStarted, match="its first answer failed"):
        peers.check_rust(claims_rust(free_port()))
