from __future__ import annotations

import pytest
from llm_gateway.settings import GatewaySettings
from service_kit.settings import SettingsError, load


def test_defaults():
    settings = load(GatewaySettings, {})
    assert (settings.port, settings.host, settings.metrics_port) == (8003, "127.0.0.1", None)
    assert settings.offline_fallback == "auto" and settings.cache_enabled and settings.max_tokens is None


def test_an_empty_variable_is_unset():
    assert load(GatewaySettings, {"PORT": "", "CACHE_TTL": " ", "METRICS_PORT": ""}) == load(GatewaySettings, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"), ("PORT", "70000"), ("METRICS_PORT", "-1"), ("CACHE_TTL", "0"), ("CACHE_MAX_SIZE", "many"),
        ("CACHE_ENABLED", "perhaps"), ("OFFLINE_FALLBACK", "sometimes"), ("MAX_TOKENS", "0"), ("TEMPERATURE", "3"),
        ("UPSTREAM_TOTAL_TIMEOUT", "0"), ("AUTH_MODE", "magic"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_parse_is_named(name: str, value: str):
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load(GatewaySettings, {name: value})


def test_a_secret_is_not_shown():
    settings = load(GatewaySettings, {"API_KEYS": "very-secret", "AUTH_MODE": "keys"})
    assert "very-secret" not in repr(settings) + str(settings)
