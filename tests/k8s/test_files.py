"""The files are the ones that users know, each is valid by itself, and the kustomization applies them all."""

import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

IN_ORDER = [
    "namespace.yaml",
    "llm-gateway-deployment.yaml",
    "llm-gateway-service.yaml",
    "mcp-toolbox-deployment.yaml",
    "mcp-toolbox-service.yaml",
    "agent-deployment.yaml",
    "agent-service.yaml",
    "websocket-agent-deployment.yaml",
    "websocket-agent-service.yaml",
    "ingress.yaml",
]
EXTRA = ["hpa-pdb.yaml", "network-policies.yaml"]


@pytest.fixture(scope="session")
def kustomization(root):
    return yaml.safe_load((root / "k8s/kustomization.yaml").read_text("utf-8"))


def test_every_object_passes_the_strict_schema_of_the_newest_kubernetes(manifests):
    for found in manifests.objects:
        kubernetes_validate.validate(found.body, kubernetes_validate.latest_version(), strict=True)


def test_the_strict_schema_refuses_a_misspelt_field(manifests):
    broken = {**manifests.one("Service", "llm-gateway"), "spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_the_kustomization_lists_every_file_in_order(root, kustomization):
    assert kustomization["resources"] == IN_ORDER + EXTRA
    on_disk = {path.name for path in (root / "k8s").glob("*.yaml")} - {"kustomization.yaml"}
    assert on_disk == set(IN_ORDER + EXTRA)
    assert kustomization["sortOptions"] == {"order": "fifo"}


def test_every_object_is_in_the_namespace(manifests, kustomization):
    namespaces = {found.body["metadata"].get("namespace") for found in manifests.objects} - {None}
    assert namespaces == {"mcp-system"}
    without = {found.body["kind"] for found in manifests.objects if "namespace" not in found.body["metadata"]}
    assert without == {"Namespace"}
    assert kustomization["namespace"] == "mcp-system"


def test_no_two_objects_share_a_kind_and_a_name(manifests):
    names = [(found.body["kind"], found.body["metadata"]["name"]) for found in manifests.objects]
    assert len(names) == len(set(names))


def test_a_deployment_file_brings_what_its_pods_need(manifests, fit):
    file = f"{fit.deployment}-deployment.yaml"
    objects = {
        (found.body["kind"], found.body["metadata"]["name"]) for found in manifests.objects if found.file == file
    }
    assert {("Deployment", fit.deployment), ("ServiceAccount", fit.deployment)} <= objects
    assert manifests.pod(fit.deployment)["serviceAccountName"] == fit.deployment


def test_no_secret_is_in_the_repository(root, manifests):
    assert manifests.all("Secret") == []
    assert "*.env" in (root / "k8s/.gitignore").read_text("utf-8").split()


def test_kubectl_builds_what_the_files_hold(root, manifests, kustomization):
    """With kubectl its own kustomize says so; without, the list of resources, which the test above holds complete."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        built = [
            body
            for name in kustomization["resources"]
            for body in yaml.safe_load_all((root / "k8s" / name).read_text("utf-8"))
        ]
    else:
        output = subprocess.run([kubectl, "kustomize", root / "k8s"], check=True, capture_output=True, text=True).stdout
        built = list(yaml.safe_load_all(output))
    assert built[0]["kind"] == "Namespace"
    assert _canonical(built) == _canonical(found.body for found in manifests.objects)


def _canonical(bodies):
    return sorted(yaml.safe_dump(body, sort_keys=True) for body in bodies)
