"""Settings: each variable is parsed once, a wrong one is named, and a secret is never shown."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError
from service_kit.settings import Secret, ServiceSettings, SettingsError, load


class Needy(ServiceSettings):
    token: Secret = Field(alias="TOKEN")
    limit: int = Field(3, alias="LIMIT", gt=0)


def test_nothing_is_needed():
    settings = load(ServiceSettings, {})
    assert (settings.host, settings.auth_mode, settings.allow_open) == ("127.0.0.1", "none", False)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.ui_language == "es"


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
def test_empty_is_unset(empty: str):
    assert load(ServiceSettings, {"PORT": empty, "API_KEYS": empty}).port == 8000


def test_values_are_trimmed_and_lists_split():
    settings = load(ServiceSettings, {"HOST": " 0.0.0.0 ", "ALLOWED_HOSTS": " a.example , ,b.example:81,"})
    assert settings.host == "0.0.0.0"
    assert settings.allowed_hosts == ("a.example", "b.example:81")


def test_keys_are_secrets():
    settings = load(ServiceSettings, {"API_KEYS": "one-secret, two-secret"})
    assert [key.get_secret_value() for key in settings.api_keys] == ["one-secret", "two-secret"]
    assert "secret" not in repr(settings).replace("Secret", "")


@pytest.mark.parametrize(("text", "value"), [("info", "INFO"), ("Debug", "DEBUG"), ("WARNING", "WARNING")])
def test_the_log_level_in_any_case(text: str, value: str):
    assert load(ServiceSettings, {"LOG_LEVEL": text}).log_level == value


@pytest.mark.parametrize(("text", "value"), [("/api/", "/api"), ("/", ""), ("/api/http", "/api/http")])
def test_the_prefix_has_no_slash_at_its_end(text: str, value: str):
    assert load(ServiceSettings, {"ROOT_PATH": text}).root_path == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"), ("PORT", "70000"), ("PORT", "-1"), ("LOG_LEVEL", "LOUD"), ("LOG_FORMAT", "xml"),
        ("UI_LANGUAGE", "fr"), ("ROOT_PATH", "api"), ("AUTH_MODE", "maybe"), ("ALLOW_OPEN", "perhaps"),
        ("MAX_BODY_BYTES", "0"), ("SHUTDOWN_GRACE_SECONDS", "-2"),
        ("ROOT_PATH", "/a b"), ("ROOT_PATH", "/api?x=1"), ("ROOT_PATH", "//evil.example"),
        ("TRUSTED_PROXIES", "balancer"), ("TRUSTED_PROXIES", "10.0.0.0/33"), ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ALLOWED_HOSTS", "https://api.example"), ("ALLOWED_HOSTS", "a b"), ("ALLOWED_HOSTS", "api.*"),
        ("CORS_ALLOWED_ORIGINS", "app.example"), ("CORS_ALLOWED_ORIGINS", "https://app.example/path"),
        ("API_KEYS", "good-key,two words"), ("API_KEYS", "zero\u200bwidth"), ("ADMIN_API_KEY", "a\x1b[2Jbcdef"),
    ],
)  # fmt: skip
def test_what_does_not_parse_is_named(name: str, value: str):
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load(ServiceSettings, {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOT_PATH", "/api/v1.2/a-b_c~d"), ("TRUSTED_PROXIES", "*"), ("TRUSTED_PROXIES", "10.0.0.0/8,::1,fd00::/8"),
        ("ALLOWED_HOSTS", "*,*.example.com,a_b,[::1]:8003,10.1.2.3:81,api.example.com."),
        ("CORS_ALLOWED_ORIGINS", "*,null,https://app.example:81/,http://[::1]:8002,vscode-webview://1a2b"),
        ("API_KEYS", "sk-abc/+=.~,operator:abc!def"),
    ],
)  # fmt: skip
def test_unusual_values_that_mean_something_pass(name: str, value: str):
    load(ServiceSettings, {name: value})


class Timed(ServiceSettings):
    seconds: float = Field(1.0, alias="SECONDS", gt=0)


@pytest.mark.parametrize("value", ["inf", "Infinity", "nan", "1e999"])
def test_a_time_without_an_end_is_none(value: str):
    with pytest.raises(SettingsError, match=r"^SECONDS: "):
        load(Timed, {"SECONDS": value})


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(SettingsError, match=r"PORT: .*; .*LOG_FORMAT: "):
        load(ServiceSettings, {"PORT": "x", "LOG_FORMAT": "x"})


def test_what_is_needed_and_missing_is_named():
    with pytest.raises(SettingsError, match=r"^TOKEN: Field required"):
        load(Needy, {})


def test_a_wrong_value_beside_a_secret_shows_neither():
    with pytest.raises(SettingsError) as caught:
        load(Needy, {"TOKEN": "hunter2", "LIMIT": "hunter3"})
    assert "LIMIT" in str(caught.value)
    assert "hunter" not in str(caught.value)
    assert caught.value.__cause__ is None  # pydantic's own error holds the input


def test_other_variables_are_no_business_of_ours():
    assert load(ServiceSettings, {"PATH": "/bin", "WEB_CONCURRENCY": "4"}).port == 8000


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        load(ServiceSettings, {}).port = 1


@pytest.mark.parametrize("value", ["9" * 30, str(2**53)])
def test_a_number_that_no_reader_holds_is_refused(value: str):
    with pytest.raises(SettingsError, match=r"^SHUTDOWN_GRACE_SECONDS: must be at most"):
        load(ServiceSettings, {"SHUTDOWN_GRACE_SECONDS": value})
    assert load(ServiceSettings, {"MAX_BODY_BYTES": str(2**53 - 1)}).max_body_bytes == 2**53 - 1


def test_a_value_that_is_not_utf_8_is_named():
    with pytest.raises(SettingsError, match=r"^ROOT_PATH: is not text in UTF-8$"):
        load(ServiceSettings, {"ROOT_PATH": "/\udcff", "OF_ANOTHER_PROGRAM": "\udcff"})


def test_a_message_does_not_repeat_a_value_without_end():
    with pytest.raises(SettingsError) as raised:
        load(ServiceSettings, {"TRUSTED_PROXIES": "x" * 100_000})
    assert len(str(raised.value)) < 600 and str(raised.value).startswith("TRUSTED_PROXIES: ")
