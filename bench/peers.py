"""The gateways that ours is compared with: brought from the package indexes, pinned, each in its own environment.

A peer that cannot be installed or started is reported as not measured, with the reason; it never gets a figure.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import answers, marker
from bench.processes import Cores, NotStarted, environment, free_port, running, wait_until_answers
from bench.scenarios import MESSAGE
from bench.spec import MARK
from bench.systems import CHAT, MESSAGES, System, Upstream

LITELLM = "LiteLLM"
RUST = "LiteLLM, rust"
PORTKEY = "Portkey"
LITELLM_VERSION = "1.106.2"
PORTKEY_VERSION = "1.15.2"
_CLAUDE = "claude-sonnet-4-5"
_ALIVE = "/health/liveliness"
MCPO = "mcpo"
MCPO_VERSION = "0.0.20"
_ROOT = Path(__file__).resolve().parent.parent
# With a newer web server under it, Portkey answers every stream with 500 "immutable" (Portkey-AI/gateway#1389).
_PORTKEY_PACKAGES = {
    "dependencies": {"@portkey-ai/gateway": PORTKEY_VERSION, "@hono/node-server": "1.14.1"},
    "overrides": {"@hono/node-server": "$@hono/node-server"},
}
_INSTALL_S = 900
_START_S = 120.0


class NotInstalled(Exception):
    """A peer could not be brought; the message says why."""


def _run(argv: list[str | Path], cwd: Path | None = None) -> None:
    # The caller's whole environment: installing needs the settings of pip and npm, unlike measuring.
    try:
        done = subprocess.run(
            [str(part) for part in argv], cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as slow:
        raise NotInstalled(f"{Path(argv[0]).name} took longer than {_INSTALL_S} s") from slow
    if done.returncode:
        raise NotInstalled(" ".join((done.stderr or done.stdout).split())[-400:])


def _install_locked(home: Path, peer: str) -> None:
    """A new environment at `home` with what bench/locks has for `peer`, so that every run measures the same code."""
    _run([sys.executable, "-m", "venv", "--clear", home])
    _run([_ROOT / "scripts" / "install-lock.sh", home / "bin" / "python", _ROOT / "bench" / "locks" / f"{peer}.lock"])


def install_litellm(home: Path) -> Path:
    """LiteLLM's proxy in a virtual environment under `home`; gives its `litellm` command."""
    command = home / "bin" / "litellm"
    mark = home / f".installed-{LITELLM_VERSION}"
    if not mark.exists():
        _install_locked(home, "litellm")
        mark.touch()
    return command


def install_portkey(home: Path, path: str | None = None) -> Path:
    """Portkey's gateway as a node module under `home`; gives the script that node runs.

    `path` is where node and npm are looked for, by default the caller's PATH.
    """
    npm = shutil.which("npm", path=path)
    if npm is None or shutil.which("node", path=path) is None:
        raise NotInstalled("node and npm are not on this machine")
    mark = home / f".installed-{PORTKEY_VERSION}"
    if not mark.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "package.json").write_text(json.dumps(_PORTKEY_PACKAGES))
        _run([npm, "install", "--prefix", home, "--no-package-lock"], cwd=home)
        mark.touch()
    return home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def install_mcpo(home: Path) -> Path:
    """mcpo, which puts MCP servers behind REST, in a virtual environment under `home`; gives its command."""
    mark = home / f".installed-{MCPO_VERSION}"
    if not mark.exists():
        _install_locked(home, "mcpo")
        mark.touch()
    return home / "bin" / "mcpo"


@contextlib.contextmanager
def litellm(upstream: Upstream, home: Path, work: Path, cores: Cores) -> Iterator[System]:
    """LiteLLM's proxy: one worker, no key, no database, no callback, logging errors alone, its own price list."""
    with _litellm(upstream, home, work, cores, LITELLM, {CHAT: answers.MODEL, MESSAGES: _CLAUDE}) as system:
        yield system


@contextlib.contextmanager
def litellm_rust(upstream: Upstream, home: Path, work: Path, cores: Cores) -> Iterator[System]:
    """The same proxy with its core in Rust switched on, on the one surface that this core has: `rust: true` of a model,
    which in this version also wants LITELLM_RUST.

    Raises:
        NotStarted: its answers still come from Python.
    """
    with _litellm(upstream, home, work, cores, RUST, {MESSAGES: _CLAUDE}, LITELLM_RUST="true") as system:
        check_rust(system)
        yield system


@contextlib.contextmanager
def _litellm(
    upstream: Upstream, home: Path, work: Path, cores: Cores, name: str, asks: Mapping[str, str], **more: str
) -> Iterator[System]:
    command = install_litellm(home)
    port, log, config = free_port(), work / f"{name}.log", work / f"{name}.yaml"
    openai = {"model": f"openai/{answers.MODEL}", "api_base": upstream.base_url, "api_key": "bench"}
    claude = {"model": f"anthropic/{_CLAUDE}", "api_base": upstream.root, "api_key": "bench"}
    models = [
        {"model_name": answers.MODEL, "litellm_params": openai},
        {"model_name": _CLAUDE, "litellm_params": {**claude, "rust": name == RUST}},
    ]
    # JSON is YAML. No retries, so that an upstream error would be seen as one.
    config.write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0}}))
    env = environment(
        LITELLM_LOG="ERROR",
        LITELLM_MODE="PRODUCTION",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_TELEMETRY="False",
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",  # open, as ours is by default on loopback
        **more,
    )
    argv = [command, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    with running(argv, env=env, log=log, cores=cores.system, cwd=work) as process:
        wait_until_answers(process, port, _ALIVE, log, _START_S)
        yield System(name, LITELLM_VERSION, port, {}, process.pid, asks, probe=_ALIVE)


def check_rust(system: System) -> None:
    """Raises NotStarted unless an answer says that it came from Rust: what Rust declines, Python answers in silence."""
    spec = MESSAGE[0].spec(system, window_s=0)
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    try:
        body = spec.body.replace(MARK, marker.write(marker.nonce(0)))
        connection.request("POST", spec.path, body, {"content-type": "application/json", **spec.headers})
        answer = connection.getresponse()
        said = answer.read()
    except (OSError, http.client.HTTPException) as failed:
        raise NotStarted(f"its first answer failed: {failed!r}") from failed
    finally:
        connection.close()
    if answer.status != 200:
        raise NotStarted(f"its first answer was {answer.status}: {said[:200].decode(errors='replace')}")
    if answer.headers.get("x-litellm-rust") != "true":
        raise NotStarted("its answers come from Python: they have no x-litellm-rust")


@contextlib.contextmanager
def portkey(upstream: Upstream, home: Path, work: Path, cores: Cores) -> Iterator[System]:
    """Portkey's gateway: one node process, without its console; provider and address come with each request."""
    script = install_portkey(home)
    port, log = free_port(), work / "portkey.log"
    headers = {
        "authorization": "Bearer bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": upstream.base_url,
    }
    argv = ["node", script, f"--port={port}", "--headless"]
    with running(argv, env=environment(NODE_ENV="production"), log=log, cores=cores.system, cwd=work) as process:
        wait_until_answers(process, port, "/", log, _START_S)
        yield System(name=PORTKEY, version=PORTKEY_VERSION, port=port, headers=headers, pid=process.pid, probe="/")


PEERS = {PORTKEY: (portkey, "portkey"), LITELLM: (litellm, "litellm"), RUST: (litellm_rust, "litellm")}
