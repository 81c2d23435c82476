"""A peer that is not there is a reason in the report, never a figure."""

import pytest

from bench import peers
from bench.peers import NotInstalled, install_portkey


def test_a_machine_without_node_is_said_so(tmp_path):
    with pytest.raises(NotInstalled, match="node and npm"):
        install_portkey(tmp_path / "portkey", path=str(tmp_path))
    assert not (tmp_path / "portkey").exists()


def test_an_installed_peer_is_not_installed_again(tmp_path):
    (tmp_path / f".installed-{peers.LITELLM_VERSION}").touch()
    assert peers.install_litellm(tmp_path) == tmp_path / "bin" / "litellm"
    assert not (tmp_path / "bin").exists(), "nothing was run"
