"""What is in the images, and what they refuse to do."""

import json

import pytest

pytestmark = pytest.mark.images

OWN_MEGABYTES = {"llm-gateway": 140, "mcp-toolbox": 250, "agent-http": 200, "agent-websocket": 200}
"""What an image may add to its base; the gateway's brings gRPC, the toolbox's a sentence encoder and the drivers of two
databases."""

PACKAGES = {
    "llm-gateway": {"service-kit", "offline-planner", "llm-gateway"},
    "mcp-toolbox": {"service-kit", "mcp-toolbox"},
    "agent-http": {"service-kit", "agent-core", "agent-http"},
    "agent-websocket": {"service-kit", "agent-core", "agent-websocket"},
}
EVERY_PACKAGE = set().union(*PACKAGES.values())
DISTRIBUTIONS = """
import importlib.metadata, json
found = importlib.metadata.distributions(path=["/opt/venv/lib/python3.11/site-packages"])
print(json.dumps([distribution.name for distribution in found]))
"""
STALE_BYTECODE = """
import pathlib, importlib.util
sources = [path for path in pathlib.Path("/opt/venv/lib").rglob("*.py")]
print(len(sources), *(path for path in sources if not pathlib.Path(importlib.util.cache_from_source(path)).exists()))
"""


@pytest.fixture
def distributions(image):
    return set(json.loads(image.python(DISTRIBUTIONS)))


def test_an_image_is_small(image, base_bytes):
    assert (image.inspect()["Size"] - base_bytes) / 1e6 < OWN_MEGABYTES[image.folder]


def test_an_image_holds_its_own_packages_and_no_other_service(image, distributions):
    assert distributions & EVERY_PACKAGE == PACKAGES[image.folder]


def test_no_tool_of_the_build_is_left(image, distributions):
    assert not distributions & {"pip", "setuptools", "wheel", "hatchling", "uv", "pytest"}
    assert (
        image.python("import os; print([p for p in ('/src', '/wheels', '/opt/build') if os.path.exists(p)])") == "[]\n"
    )


def test_everything_is_compiled(image):
    count, *missing = image.python(STALE_BYTECODE).split()
    assert int(count) > 500
    assert missing == []


def test_an_image_runs_as_nobody_and_says_how_it_is(image):
    config = image.inspect()["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "service_kit.healthcheck"]
    assert config["Labels"]["org.opencontainers.image.title"] == image.folder


def test_no_key_is_baked_in(image):
    variables = {pair.partition("=")[0] for pair in image.inspect()["Config"]["Env"]}
    variables.discard("GPG_KEY")  # the official base image's: which key signed Python
    assert not [name for name in variables if any(word in name for word in ("KEY", "TOKEN", "SECRET", "PASSWORD"))]


def test_an_image_alone_refuses_to_be_open(image):
    refused = image.start()
    assert refused.returncode == 2
    assert refused.stderr.startswith("configuration error: HOST")


def test_a_variable_that_does_not_parse_is_named(image):
    refused = image.start(ALLOW_OPEN="true", LOG_LEVEL="chatty")
    assert refused.returncode == 2
    assert refused.stderr.startswith("configuration error: LOG_LEVEL")
