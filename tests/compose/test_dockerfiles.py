"""The Dockerfiles: one recipe, four services; each image holds what its service needs and no more."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    "llm-gateway": "llm_gateway",
    "mcp-toolbox": "mcp_toolbox",
    "agent-http": "agent_http",
    "agent-websocket": "agent_websocket",
}
PORTS = {"llm-gateway": 8003, "mcp-toolbox": 8000, "agent-http": 8001, "agent-websocket": 8002}


@pytest.fixture(params=MODULES)
def folder(request):
    return request.param


def instructions(folder: str) -> list[str]:
    """A Dockerfile's instructions, one a line, without comments."""
    text = (ROOT / folder / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [re.sub(r"\s+", " ", line) for line in re.sub(r"\\\n", "", "\n".join(lines)).split("\n")]


def members(folder: str) -> set[str]:
    """The folders of the workspace's packages that a service is made of."""
    tool = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["tool"]
    return {folder}.union(*(members(f"packages/{name}") for name in tool.get("uv", {}).get("sources", ())))


def test_an_image_is_built_from_the_members_that_its_service_needs(folder):
    copied = [line.split()[1] for line in instructions(folder) if line.startswith("COPY ") and "--from" not in line]
    sources = {source for member in members(folder) for source in (f"{member}/pyproject.toml", f"{member}/src")}
    page = {"test-websocket.html"} if folder == "agent-websocket" else set()
    assert set(copied) - page == sources | {"requirements-build.lock", f"{folder}/requirements.lock"}


def test_everything_from_the_index_is_pinned_by_hash(folder):
    installs = re.findall(r"pip [^&]*?install ([^&]*)", " && ".join(instructions(folder)))
    assert len(installs) == 3
    assert all("--require-hashes" in arguments or "--no-index" in arguments for arguments in installs)


def test_the_final_stage_adds_only_the_environment(folder):
    lines = instructions(folder)
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert final[0] == "FROM python:3.11-slim"
    assert "RUN" not in {line.split()[0] for line in final}
    assert "COPY --from=build /opt/venv /opt/venv" in final
    assert "USER 10001:10001" in final
    assert f"EXPOSE {PORTS[folder]}" in final
    assert any(line.startswith("ENV ") and f"PORT={PORTS[folder]}" in line.split() for line in final)
    assert "STOPSIGNAL SIGTERM" in final
    assert final[-1] == f'CMD ["python", "-m", "{MODULES[folder]}"]'
    assert any(
        line.startswith("HEALTHCHECK") and line.endswith('CMD ["python", "-m", "service_kit.healthcheck"]')
        for line in final
    )


def test_labels_say_what_the_package_says(folder):
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    (labels,) = [line for line in instructions(folder) if line.startswith("LABEL ")]
    assert dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels)) == {
        "title": project["name"],
        "description": project["description"],
        "version": project["version"],
    }


def test_no_frontend_is_fetched_from_a_registry(folder):
    assert "syntax=" not in (ROOT / folder / "Dockerfile").read_text("utf-8")


def test_the_build_context_holds_neither_secrets_nor_history():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    folders = set(MODULES) | {"packages"}
    assert allowed == folders | {"requirements-build.lock", "test-websocket.html"}
