"""The pods without a cluster: containers with the environment, user and restrictions that the manifests give them.

What a cluster adds (scheduling, probes, the load balancer) is not tried here; that the four services start, trust
one another's keys, find one another by their cluster names and answer under the ingress's prefixes is.
"""

import json
import socket
import subprocess
import time

import httpx
import pytest
from websockets.sync.client import connect

pytestmark = pytest.mark.images

NETWORK = "agent-suite-pods"
PUBLIC_HOST = "agents.example.com"


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-3000:]}"
    return done.stdout.strip()


def start(fit, manifests, secrets):
    """Run one Deployment's container as its pod would; its base URL."""
    container, pod = manifests.container(fit.deployment), manifests.pod(fit.deployment)
    user = pod["securityContext"]
    port = container["ports"][0]["containerPort"]
    variables = manifests.environment(fit.deployment, secrets).items()
    docker(
        *("run", "-d", "--name", name_of(fit), "--no-healthcheck"),
        *("--network", NETWORK, "--network-alias", f"{fit.service}.mcp-system.svc.cluster.local"),
        *("-p", f"127.0.0.1::{port}"),
        *("--user", f"{user['runAsUser']}:{user['runAsGroup']}", "--read-only", "--tmpfs", "/tmp"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--memory", container["resources"]["limits"]["memory"].replace("Mi", "m")),
        *(argument for pair in variables for argument in ("-e", "=".join(pair))),
        container["image"],
    )
    return f"http://{docker('port', name_of(fit), str(port)).splitlines()[0]}"


def name_of(fit):
    return f"{NETWORK}-{fit.deployment}"


def remove(fits):
    """Whatever is there of these containers and their network, from this run or one that was killed."""
    for leftover in (["rm", "-f", *map(name_of, fits)], ["network", "rm", NETWORK]):
        subprocess.run(["docker", *leftover], capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def pods(root, manifests, fits, secrets):
    """Base URL of each Deployment's container, once its readiness probe answers."""
    build = ["scripts/docker-engine", "run", "docker", "compose", "build", "-q"]
    subprocess.run(build, cwd=root, check=True, capture_output=True, timeout=900)
    # Nobody has brought credentials of a provider: the Secret of those is optional.
    given = {**secrets, "mcp-providers": {}}
    remove(fits)
    docker("network", "create", NETWORK)
    try:
        urls = {fit.deployment: start(fit, manifests, given) for fit in fits}
        for fit in fits:
            wait_ready(urls[fit.deployment], name_of(fit), manifests.container(fit.deployment))
        yield urls
    finally:
        remove(fits)


def wait_ready(url, container, spec):
    """Ask as the startup probe does, for as long as it would."""
    probe = spec["startupProbe"]
    for _ in range(probe["failureThreshold"]):
        try:
            if httpx.get(url + probe["httpGet"]["path"], headers={"Host": "10.0.0.1"}).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(probe["periodSeconds"])
    raise AssertionError(f"never ready:\n{docker('logs', container)}")


@pytest.fixture
def as_user(secrets):
    """Headers of a user's request that came through the load balancer."""
    key = secrets["mcp-secrets"]["API_KEYS"]
    return {"Host": PUBLIC_HOST, "Authorization": f"Bearer {key}", "X-Forwarded-Proto": "https"}


def test_a_question_goes_through_all_pods(pods, as_user):
    answer = httpx.post(
        f"{pods['agent']}/api/http/process",
        headers=as_user,
        json={"input": "suma 5 y 3", "model": "offline"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert "8" in answer.json()["result"]


def test_and_through_the_socket(pods, secrets):
    host, _, port = pods["websocket-agent"].removeprefix("http://").partition(":")
    headers = {"Authorization": f"Bearer {secrets['mcp-secrets']['API_KEYS']}"}
    way = socket.create_connection((host, int(port)), timeout=10)
    with connect(f"ws://{PUBLIC_HOST}/api/ws/ws", sock=way, additional_headers=headers) as client:
        assert json.loads(client.recv(timeout=10))["type"] == "connected"
        client.send(json.dumps({"type": "message", "content": "suma 10 y 5", "model": "offline"}))
        while (event := json.loads(client.recv(timeout=30)))["type"] not in ("response", "error"):
            pass
    assert event["type"] == "response", event
    assert "15" in event["content"]


def test_the_chat_page_is_under_its_prefix(pods, as_user):
    page = httpx.get(f"{pods['websocket-agent']}/api/ws/", headers={"Host": as_user["Host"]})
    assert page.status_code == 200
    assert "<html" in page.text


def test_nobody_is_let_in_without_a_key(pods):
    asked = {"/mcp/llm/list": "llm-gateway", "/mcp/tools/list": "mcp-toolbox", "/api/http/process": "agent"}
    for path, deployment in asked.items():
        answer = httpx.request("POST" if path.endswith("process") else "GET", pods[deployment] + path)
        assert answer.status_code == 401, path


def test_without_a_provider_the_planner_does_not_stand_in(pods, as_user):
    answer = httpx.post(
        f"{pods['llm-gateway']}/mcp/llm/generate",
        headers={"Authorization": as_user["Authorization"]},
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": "suma 5 y 3"}]},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_not_configured")
