"""Pods ask for no privilege, are probed where the code answers, and are given the time that a clean stop takes."""

import pytest
from service_kit.service import create_service
from service_kit.settings import ServiceSettings, load


@pytest.fixture(scope="session")
def routes():
    """Paths that every service has."""
    return set(create_service(name="any", title="any", settings=load(ServiceSettings, {})).openapi()["paths"])


def test_the_namespace_enforces_the_restricted_standard(manifests):
    labels = manifests.one("Namespace", "mcp-system")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pods_ask_for_no_privilege(manifests, fit):
    pod, container = manifests.pod(fit.deployment), manifests.container(fit.deployment)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert manifests.one("ServiceAccount", fit.deployment)["automountServiceAccountToken"] is False


def test_service_links_do_not_fill_the_environment(manifests, fit):
    """They would set LLM_GATEWAY_PORT=tcp://… and the like in every pod."""
    assert manifests.pod(fit.deployment)["enableServiceLinks"] is False


def test_only_tmp_is_writable(manifests, fit):
    (mount,) = manifests.container(fit.deployment)["volumeMounts"]
    (volume,) = manifests.pod(fit.deployment)["volumes"]
    assert (mount["mountPath"], mount["name"]) == ("/tmp", volume["name"])
    assert "emptyDir" in volume


def test_resources_are_stated(manifests, fit):
    resources = manifests.container(fit.deployment)["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize(
    ("probe", "path"), [("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")]
)
def test_probes_ask_what_the_code_answers(manifests, fit, routes, probe, path):
    asked = manifests.container(fit.deployment)[probe]["httpGet"]
    assert asked == {"path": path, "port": "http"}
    assert path in routes


def test_the_load_balancer_asks_the_same(manifests, routes):
    (ingress,) = manifests.all("Ingress")
    path = ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/healthcheck-path"]
    assert path == "/readyz"
    assert path in routes


def test_a_pod_has_time_to_leave_the_balancer_and_to_drain(manifests, fit, secrets):
    drain = load(fit.settings, manifests.environment(fit.deployment, secrets)).shutdown_grace_seconds
    leave = manifests.container(fit.deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert manifests.pod(fit.deployment)["terminationGracePeriodSeconds"] >= leave + drain + 5
