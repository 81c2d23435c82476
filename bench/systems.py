"""What is measured: the mock itself, our gateway, and (in peers.py) the gateways that it is compared with."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from bench import answers, proc
from bench.processes import Cores, NotStarted, environment, free_port, running, tail, wait_until_answers
from bench.vendors import ANTHROPIC_MODEL

DIRECT = "direct"
OURS = "ours"
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
_START_S = 60.0
_BOTH = {CHAT: answers.MODEL, MESSAGES: ANTHROPIC_MODEL}


class System(NamedTuple):
    """Something that answers completions; `pid` is None for the mock called directly.

    `asks` has the surfaces that it is measured at, and the model that is asked for there; `probe` is a path that costs
    it no work.
    """

    name: str
    version: str
    port: int
    headers: dict[str, str]
    pid: int | None
    asks: Mapping[str, str] = {CHAT: answers.MODEL}
    probe: str = "/healthz"

    def resident_mb(self) -> float | None:
        """Resident memory of the process and its children now, in MB."""
        return None if self.pid is None else proc.resident_mb(proc.tree(self.pid))


class Upstream(NamedTuple):
    """The running mock."""

    port: int

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    def completions(self) -> int:
        """How many completions it was asked for until now: what a gateway answered itself is not among them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/bench/completions")
            return json.loads(connection.getresponse().read())["completions"]
        finally:
            connection.close()

    def as_system(self) -> System:
        headers = {"authorization": "Bearer bench"}
        return System(name=DIRECT, version="", port=self.port, headers=headers, pid=None, asks=_BOTH)


@contextlib.contextmanager
def mock_upstream(work: Path, cores: Cores) -> Iterator[Upstream]:
    """The mock as a process of its own."""
    log = work / "upstream.log"
    root = Path(__file__).resolve().parent.parent
    argv = [sys.executable, "-m", "bench.upstream"]
    with running(argv, env=environment(), log=log, cores=cores.rest, cwd=root) as process:
        yield Upstream(port=_announced_port(process, log))


def _announced_port(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(200):
        line = log.read_text().strip()
        if line.isdigit():
            return int(line)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise NotStarted(f"the mock did not announce its port: {tail(log)}")


@contextlib.contextmanager
def our_gateway(
    upstream: Upstream, work: Path, cores: Cores, *, name: str = OURS, sources: Sequence[Path] = ()
) -> Iterator[System]:
    """`python -m llm_gateway` as a user starts it, with its defaults (cache, metrics, access log); every provider is
    the mock. `sources` are folders that go before the installed packages."""
    port, log = free_port(), work / f"{name}.log"
    env = environment(
        OPENAI_API_KEY="bench", OPENAI_BASE_URL=upstream.base_url,
        ANTHROPIC_API_KEY="bench", ANTHROPIC_BASE_URL=upstream.root,
        GOOGLE_API_KEY="bench", GOOGLE_BASE_URL=upstream.root,
        AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_REGION="us-east-1",
        BEDROCK_BASE_URL=upstream.root,
        DEFAULT_PROVIDER="openai", HOST="127.0.0.1", PORT=str(port), LOG_FORMAT="json",
        PYTHONPATH=os.pathsep.join(map(str, sources)),
    )  # fmt: skip
    with running([sys.executable, "-m", "llm_gateway"], env=env, log=log, cores=cores.system, cwd=work) as process:
        wait_until_answers(process, port, "/readyz", log, _START_S)
        version = metadata.version("llm-gateway")
        yield System(name=name, version=version, port=port, headers={}, pid=process.pid, asks=_BOTH)
