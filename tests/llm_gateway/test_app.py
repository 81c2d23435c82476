from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llm_gateway.app import from_environment
from service_kit.service import refuse_open_mode
from service_kit.settings import SettingsError

from tests.llm_gateway.harness import gateway


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"DEFAULT_MODEL": "xxx"}, "DEFAULT_MODEL"),
        ({"DEFAULT_PROVIDER": "xxx"}, "DEFAULT_PROVIDER"),
        ({"MODEL_PROVIDER": "xxx", "MODEL_NAME": "y"}, "xxx"),
        ({"CATALOG_FILE": "/nowhere/catalog.yaml"}, "CATALOG_FILE: /nowhere/catalog.yaml"),
        ({"PORT": "x"}, "PORT"),
    ],
)
def test_a_wrong_variable_is_named_at_the_start(environ: dict[str, str], named: str):
    with pytest.raises(SettingsError, match=named):
        from_environment(environ)


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({"HOST": "0.0.0.0"}, True),
        ({"HOST": "::"}, True),
        ({"HOST": "0.0.0.0", "ALLOW_OPEN": "true"}, False),
        ({"HOST": "0.0.0.0", "AUTH_MODE": "keys", "API_KEYS": "some-key"}, False),
        ({"AUTH_MODE": "keys"}, True),
        ({}, False),
        ({"HOST": "::1"}, False),
    ],
)
def test_an_open_gateway_listens_on_loopback_alone(environ: dict[str, str], refused: bool):
    _, settings = from_environment(environ)
    if not refused:
        return refuse_open_mode(settings)
    with pytest.raises(SettingsError):
        refuse_open_mode(settings)
    return None


def test_the_program_says_why_it_does_not_start(tmp_path: Path):
    environ = {"PATH": os.environ["PATH"], "HOST": "0.0.0.0", "OPENAI_API_KEY": "sk-secret"}
    ended = subprocess.run(
        [sys.executable, "-m", "llm_gateway"], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2 and ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("configuration error: HOST: 0.0.0.0") and "AUTH_MODE" in line and "sk-secret" not in line


async def test_a_fresh_machine_works_without_any_variable():
    async with gateway() as stage:
        answer = (await stage.generate(model="", messages=[{"role": "user", "content": "Hola"}])).json()
    assert (answer["model"], answer["fallback_from"]) == ("offline", "bedrock-nova-pro")
    assert (answer["cost_usd"], answer["cost_source"]) == (0, "computed") and answer["content"]


async def test_never_means_never():
    async with gateway(OFFLINE_FALLBACK="never") as stage:
        refused = await stage.generate(model="gpt-4o")
        own = await stage.generate(model="offline")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "provider_not_configured")
    assert "OPENAI_API_KEY" in refused.json()["error"]["message"]
    assert refused.headers["x-should-retry"] == "false" and "retry-after" not in refused.headers
    assert own.status_code == 200 and "fallback_from" not in own.json()


async def test_pages_of_others_are_kept_out():
    async with gateway(CORS_ALLOWED_ORIGINS="https://mine.test") as stage:
        strange = await stage.chat(model="offline", headers={"origin": "https://evil.test"})
        mine = await stage.chat(model="offline", headers={"origin": "https://mine.test"})
        rebound = await stage.chat(model="offline", headers={"host": "evil.test"})
    assert strange.status_code == 403 and "access-control-allow-origin" not in strange.headers
    assert mine.headers["access-control-allow-origin"] == "https://mine.test"
    assert "x-cache" in mine.headers["access-control-expose-headers"]
    assert rebound.status_code == 421
