"""The pods without a cluster: containers with the environment, user and restrictions that the manifests give them.

What a cluster adds (scheduling, probes, the load balancer) is not tried here; that the four services start, trust
one another's keys, find one another by their cluster names and answer under the ingress's prefixes is.
"""

import json
import subprocess
import time
import uuid

import httpx
import pytest
from websockets.sync.client import connect

pytestmark = [pytest.mark.images, pytest.mark.timeout(900)]

PUBLIC_HOST = "agents.example.com"


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-3000:]}"
    return done.stdout.strip()


def start(fit, manifests, secrets, network):
    """Run one Deployment's container as its pod would; its id."""
    container, pod = manifests.container(fit.deployment), manifests.pod(fit.deployment)
    user = pod["securityContext"]
    confined = [
        "--no-healthcheck",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
    ]
    variables = manifests.environment(fit.deployment, secrets).items()
    return docker(
        *("run", "-d", "--network", network, "-p", f"127.0.0.1::{container['ports'][0]['containerPort']}"),
        *("--network-alias", f"{fit.service}.mcp-system.svc.cluster.local"),
        *("--user", f"{user['runAsUser']}:{user['runAsGroup']}", *confined),
        *("--memory", container["resources"]["limits"]["memory"].replace("Mi", "m")),
        *(argument for pair in variables for argument in ("-e", "=".join(pair))),
        container["image"],
    )


@pytest.fixture(scope="module")
def pods(root, manifests, fits, secrets):
    """Base URL of each Deployment's container, once its readiness probe answers."""
    subprocess.run(["docker", "compose", "build", "-q"], cwd=root, check=True, capture_output=True, timeout=900)
    # Nobody has brought credentials of a provider: the Secret of those is optional.
    given = {**secrets, "mcp-providers": {}}
    network = f"k8s-{uuid.uuid4().hex[:8]}"
    docker("network", "create", network)
    containers = {}
    try:
        for fit in fits:
            containers[fit.deployment] = start(fit, manifests, given, network)
        urls = {
            name: f"http://{docker('port', id_).splitlines()[0].split(' -> ')[1]}" for name, id_ in containers.items()
        }
        for fit in fits:
            wait_ready(urls[fit.deployment], containers[fit.deployment], manifests.container(fit.deployment))
        yield urls
    finally:
        for id_ in containers.values():
            docker("rm", "-f", id_)
        docker("network", "rm", network)


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
    host = pods["websocket-agent"].removeprefix("http://")
    headers = {"Host": PUBLIC_HOST, "Authorization": f"Bearer {secrets['mcp-secrets']['API_KEYS']}"}
    with connect(f"ws://{host}/api/ws/ws", additional_headers=headers) as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "connected"
        socket.send(json.dumps({"type": "message", "content": "suma 10 y 5", "model": "offline"}))
        while (event := json.loads(socket.recv(timeout=30)))["type"] not in ("response", "error"):
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
