from __future__ import annotations

import pytest
from llm_gateway.app import build_parts
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


def test_proxies_are_read_in_either_case_and_lower_case_goes_before():
    settings = load(GatewaySettings, {"HTTPS_PROXY": "http://upper", "https_proxy": "http://lower", "no_proxy": "a, b"})
    assert settings.https_proxy and settings.https_proxy.get_secret_value() == "http://lower"
    assert (settings.no_proxy, settings.http_proxy) == (("a", "b"), None)
    assert load(GatewaySettings, {"HTTPS_PROXY": "http://upper", "https_proxy": " "}).https_proxy is not None


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": "socks5://user:very-secret@a"},
        {"HTTP_PROXY": "http://user:very-secret@:x"},
        {"NO_PROXY": "10.0.0.0/99"},
        {"SSL_CERT_FILE": "/nonexistent"},
        {"SSL_CERT_FILE": __file__},
    ],
)
def test_what_cannot_be_used_on_the_way_out_stops_the_start(environ: dict[str, str]):
    with pytest.raises(SettingsError, match=f"^{next(iter(environ))}: ") as caught:
        build_parts(load(GatewaySettings, environ), environ)
    assert "very-secret" not in str(caught.value)


def test_a_secret_is_not_shown():
    proxied = load(GatewaySettings, {"HTTPS_PROXY": "http://user:very-secret@a"})
    assert "very-secret" not in repr(proxied) + str(proxied)
    settings = load(GatewaySettings, {"API_KEYS": "very-secret", "AUTH_MODE": "keys"})
    assert "very-secret" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("environ", "port"),
    [({}, 8003), ({"HTTP_PORT": "8090"}, 8090), ({"PORT": "9003", "HTTP_PORT": "8090"}, 9003)],
)
def test_the_port_has_two_names(environ: dict[str, str], port: int):
    assert load(GatewaySettings, environ).port == port
