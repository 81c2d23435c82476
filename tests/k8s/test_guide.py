"""docs/DEPLOYMENT_EKS.md speaks of the manifests that are there."""

import re

import pytest
import yaml


@pytest.fixture(scope="session")
def guide(root):
    return (root / "docs/DEPLOYMENT_EKS.md").read_text("utf-8")


@pytest.fixture(scope="session")
def overlay(guide):
    (text,) = re.findall(r"<<YAML\n(.*?)^YAML$", guide, flags=re.MULTILINE | re.DOTALL)
    return yaml.safe_load(text)


def test_every_file_is_applied_by_the_commands_for_one_by_one(root, guide):
    resources = yaml.safe_load((root / "k8s/kustomization.yaml").read_text("utf-8"))["resources"]
    assert re.findall(r"-f k8s/([\w-]+\.yaml)", guide[guide.index("Or file by file") :]) == resources


def test_the_overlay_renames_every_image(manifests, fits, overlay):
    used = {manifests.container(fit.deployment)["image"].partition(":")[0] for fit in fits}
    assert {image["name"]: image["newName"] for image in overlay["images"]} == {
        name: f"$REGISTRY/{name}" for name in used
    }


def test_the_overlay_patches_keys_that_exist(manifests, overlay):
    (patch,) = overlay["patches"]
    data = manifests.one(patch["target"]["kind"], patch["target"]["name"])["data"]
    operations = yaml.safe_load(patch["patch"])
    assert {operation["op"] for operation in operations} == {"replace"}
    assert {operation["path"].removeprefix("/data/") for operation in operations} <= data.keys()


def test_the_table_explains_every_key_of_the_config_map(manifests, guide):
    section = guide[guide.index("| key of ConfigMap") : guide.index("## 5.")]
    explained = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert sorted(explained) == sorted(manifests.one("ConfigMap", "mcp-config")["data"])


def test_secrets_are_made_from_the_examples_that_exist(root, guide):
    examples = set(re.findall(r"k8s/([\w.]+\.example)", guide))
    assert examples == {path.name for path in (root / "k8s").glob("*.example")}
