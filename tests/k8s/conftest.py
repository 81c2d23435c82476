"""The manifests as they are on disk, and what the code says that they must fit."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from agent_http.settings import HttpAgentSettings
from agent_websocket.settings import WebSocketAgentSettings
from llm_gateway.settings import GatewaySettings
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"


class Found(NamedTuple):
    """A Kubernetes object and the file that it stands in."""

    file: str
    body: dict[str, Any]


class Manifests:
    """Every object under k8s/, found by kind and name."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.glob("*.yaml") if path.name != "kustomization.yaml")
        self.objects = [
            Found(path.name, body) for path in files for body in yaml.safe_load_all(path.read_text("utf-8"))
        ]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [found.body for found in self.objects if found.body["kind"] == kind]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        (body,) = [body for body in self.all(kind) if body["metadata"]["name"] == name]
        return body

    def pod(self, deployment: str) -> dict[str, Any]:
        return self.one("Deployment", deployment)["spec"]["template"]["spec"]

    def container(self, deployment: str) -> dict[str, Any]:
        (container,) = self.pod(deployment)["containers"]
        return container

    def selected(self, selector: Mapping[str, Any]) -> set[str]:
        """Names of the Deployments whose pods a label selector matches."""
        return {
            body["metadata"]["name"]
            for body in self.all("Deployment")
            if _matches(selector, body["spec"]["template"]["metadata"]["labels"])
        }

    def environment(self, deployment: str, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """What a container finds in its environment, as the kubelet would make it of ConfigMaps and `secrets`."""
        container = self.container(deployment)
        result: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            result.update(secrets[source["secretRef"]["name"]])
        for variable in container["env"]:
            value = variable["value"] if "value" in variable else self._referenced(variable["valueFrom"], secrets)
            result[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: result[match[1]], value)
        return result

    def _referenced(self, source: Mapping[str, Any], secrets: Mapping[str, Mapping[str, str]]) -> str:
        if "configMapKeyRef" in source:
            reference = source["configMapKeyRef"]
            return self.one("ConfigMap", reference["name"])["data"][reference["key"]]
        reference = source["secretKeyRef"]
        return secrets[reference["name"]][reference["key"]]


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    expressions = selector.get("matchExpressions", ())
    assert all(expression["operator"] == "In" for expression in expressions), "this reader knows no other operator"
    return all(labels.get(expression["key"]) in expression["values"] for expression in expressions)


class Fit(NamedTuple):
    """What one Deployment has to fit: its Service, its folder, the settings that its code reads, its path prefix."""

    deployment: str
    service: str
    folder: str
    settings: type[ServiceSettings]
    prefix: str = ""


FITS = (
    Fit("llm-gateway", "llm-gateway", "llm-gateway", GatewaySettings),
    Fit("mcp-toolbox", "mcp-toolbox", "mcp-toolbox", ToolboxSettings),
    Fit("agent", "agent-service", "agent-http", HttpAgentSettings, "/api/http"),
    Fit("websocket-agent", "websocket-agent-service", "agent-websocket", WebSocketAgentSettings, "/api/ws"),
)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def manifests() -> Manifests:
    return Manifests(K8S)


class Compose:
    """docker-compose.yml, by the folder that an image is built from."""

    def __init__(self, file: Path) -> None:
        services = yaml.safe_load(file.read_text("utf-8"))["services"].values()
        self._by_folder = {Path(service["build"]["dockerfile"]).parent.name: service for service in services}

    def port(self, folder: str) -> int:
        return int(self._by_folder[folder]["environment"]["PORT"])

    def image(self, folder: str) -> str:
        return self._by_folder[folder]["image"]


@pytest.fixture(scope="session")
def compose() -> Compose:
    return Compose(ROOT / "docker-compose.yml")


@pytest.fixture(scope="session")
def fits() -> tuple[Fit, ...]:
    return FITS


@pytest.fixture(params=FITS, ids=lambda fit: fit.deployment)
def fit(request: pytest.FixtureRequest) -> Fit:
    return request.param


@pytest.fixture(params=[fit for fit in FITS if fit.prefix], ids=lambda fit: fit.deployment)
def agent(request: pytest.FixtureRequest) -> Fit:
    return request.param


@pytest.fixture(scope="session")
def secrets() -> dict[str, dict[str, str]]:
    """The Secrets that the example files describe, filled in."""
    return {
        "mcp-secrets": {name: f"value-of-{name}".ljust(40, ".") for name in _names(K8S / "secrets.env.example")},
        "mcp-providers": {name: f"https://value-of-{name}" for name in _names(K8S / "providers.env.example")},
    }


def _names(example: Path) -> Iterator[str]:
    for line in example.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            assert value == "", f"{example.name} is an example: it holds no value of {name}"
            yield name
