"""Every command and program that the README shows runs, against the suite that it tells how to start."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

import httpx
import pytest

from tests.docs.repository import ROOT, blocks
from tests.e2e.suite import UpProcess

README = ROOT / "README.md"


@dataclass
class Curl:
    """One curl command, with the few options that documents use."""

    line: str
    url: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    data: str | None = None

    def __post_init__(self) -> None:
        words = iter(shlex.split(self.line)[1:])
        for word in words:
            if word == "-X":
                self.method = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                self.headers[name] = value
            elif word == "-d":
                self.data = next(words)
            elif word.startswith("http"):
                self.url = word
            else:
                assert word == "-N", f"unknown option {word} in: {self.line}"


def _curls() -> list[Curl]:
    code = "\n".join(blocks(README, "sh")).replace("\\\n", " ")
    return [Curl(line) for line in code.splitlines() if line.startswith("curl ")]


CURLS = _curls()


def _moved(text: str, suite: UpProcess) -> str:
    """`text` with the documented ports replaced by those of this suite."""
    for port, url in ((8003, suite.gateway), (8000, suite.toolbox), (8001, suite.http), (8002, suite.ws)):
        text = text.replace(f"http://localhost:{port}", url)
    assert "localhost:" not in text
    return text


def test_it_shows_some():
    assert len(CURLS) >= 7
    assert len(blocks(README, "python")) == 1


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.line[:60])
def test_a_curl_command(suite: UpProcess, curl: Curl):
    content = curl.data.encode() if curl.data is not None else None
    answer = httpx.request(
        curl.method, _moved(curl.url, suite), headers=curl.headers, content=content, timeout=60
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [json.loads(data) for data in re.findall(r"^data: (\{.*)$", answer.text, re.MULTILINE)]
        assert events[-1]["type"] == "complete"
    else:
        assert "error" not in answer.json()


def test_the_first_question_gets_its_answer(suite: UpProcess):
    first = CURLS[0]
    assert first.data is not None
    answer = httpx.post(_moved(first.url, suite), json=json.loads(first.data), timeout=60).json()
    assert "15" in answer["result"]


def test_the_python_program(suite: UpProcess):
    (program,) = blocks(README, "python")
    ran = subprocess.run([sys.executable, "-c", _moved(program, suite)], capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("offline ")
    assert len(ran.stdout.split()) > 3


def test_the_services_that_its_table_names_are_where_it_says():
    table = dict(re.findall(r"^\| \*\*([\w-]+)\*\* \| (\d+) \|", README.read_text(), re.MULTILINE))
    assert table == {"llm-gateway": "8003", "mcp-toolbox": "8000", "agent-http": "8001", "agent-websocket": "8002"}
    for service in table:
        assert (ROOT / service / "pyproject.toml").is_file()


def test_its_files_exist():
    assert (ROOT / ".env.example").is_file()
    named = re.findall(r"^cp (\S+)", "\n".join(blocks(README, "sh")), re.MULTILINE)
    assert named == [".env.example"]
