"""Providers' keys from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from llm_gateway.app import build_parts
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import SettingsError, load

CATALOG = """
providers:
  offline: {dialect: offline}
  own: {dialect: openai_chat, base_url: "http://127.0.0.1:1/v1", key_variable: MY_PROVIDER_KEY}
models: [{name: offline, provider: offline, id: offline}]
"""


def catalog_of(environ: dict[str, str], path: Path | None = None):
    return load_catalog(load(GatewaySettings, environ), environ, path)


@pytest.mark.parametrize(
    ("variable", "provider", "header", "value"),
    [
        ("OPENAI_API_KEY", "openai", "authorization", "Bearer sk-file"),
        ("ANTHROPIC_API_KEY", "anthropic", "x-api-key", "sk-file"),
        ("VLLM_API_KEY", "vllm", "authorization", "Bearer sk-file"),
    ],
)
def test_a_providers_key_may_come_from_a_file(tmp_path: Path, variable: str, provider: str, header: str, value: str):
    (tmp_path / "key").write_text("sk-file\n")
    endpoint = catalog_of({f"{variable}_FILE": str(tmp_path / "key")}).endpoints[provider]
    assert endpoint.headers[header] == value


def test_a_row_of_an_operators_own_may_too(tmp_path: Path):
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "key").write_text("own-file")
    environ = {"MY_PROVIDER_KEY_FILE": str(tmp_path / "key")}
    endpoint = catalog_of(environ, tmp_path / "catalog.yaml").endpoints["own"]
    assert endpoint.unavailable is None and endpoint.headers["authorization"] == "Bearer own-file"


def test_a_file_that_cannot_be_used_stops_the_start_and_is_named(tmp_path: Path):
    environ = {"OPENAI_API_KEY_FILE": str(tmp_path / "missing")}
    with pytest.raises(SettingsError, match=r"^OPENAI_API_KEY_FILE: .*missing cannot be read: No such file"):
        build_parts(load(GatewaySettings, environ), environ)
    environ = {"OPENAI_API_KEY": "sk-plain", "OPENAI_API_KEY_FILE": str(tmp_path / "missing")}
    with pytest.raises(SettingsError, match=r"^OPENAI_API_KEY_FILE: OPENAI_API_KEY is set too") as raised:
        build_parts(load(GatewaySettings, environ), environ)
    assert "sk-plain" not in str(raised.value)


def test_a_reload_reads_the_file_again_and_keeps_the_old_key_when_it_is_gone(tmp_path: Path):
    catalog, key = tmp_path / "catalog.yaml", tmp_path / "key"
    catalog.write_text(CATALOG)
    key.write_text("first")
    environ = {"MY_PROVIDER_KEY_FILE": str(key), "CATALOG_FILE": str(catalog), "DEFAULT_MODEL": "offline"}
    holder = build_parts(load(GatewaySettings, environ), environ).holder
    key.write_text("second")
    catalog.write_text(CATALOG + "# rotated\n")
    assert holder.check() is True
    assert holder.current().endpoints["own"].headers["authorization"] == "Bearer second"
    key.unlink()
    catalog.write_text(CATALOG + "# rotated again\n")
    assert holder.check() is False
    assert holder.error is not None and "MY_PROVIDER_KEY_FILE" in holder.error
    assert holder.current().endpoints["own"].headers["authorization"] == "Bearer second"


def test_aws_credentials_may_come_from_a_file(tmp_path: Path):
    (tmp_path / "secret").write_text("aws-secret\n")
    environ = {
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret"),
    }
    settings = load(GatewaySettings, environ)
    assert settings.aws_secret_access_key is not None
    assert settings.aws_secret_access_key.get_secret_value() == "aws-secret"
    parts = build_parts(settings, environ)
    assert parts.holder.current().endpoints["aws"].unavailable is None
