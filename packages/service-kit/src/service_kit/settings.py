"""Settings: the environment, parsed once into a frozen value.

A service subclasses `ServiceSettings`, names each variable in a field's alias, and calls `load` with a mapping that its
`app.py` passes in. Nothing else in a service reads the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from service_kit.auth.addresses import is_secure
from service_kit.auth.keys import SHORTEST_KEY, check_key, key_and_roles
from service_kit.secret_files import SecretFileError, with_secret_files
from service_kit.suite_links import SuitePage, parse_suite_urls

Secret = SecretStr

_LONGEST_MESSAGE = 500
"""In characters. A message may quote a value, which may be of any length."""


class SettingsError(Exception):
    """A variable cannot be parsed. The message names it and the reason, and never contains a secret's value."""


def split_csv(value: Any) -> Any:
    """Returns the items of a list that is written with commas; anything else as it is, for a later check."""
    return tuple(item.strip() for item in value.split(",") if item.strip()) if isinstance(value, str) else value


def _split_secrets(value: Any) -> Any:
    # In a file, a list has one entry per line.
    return split_csv(value.replace("\n", ",")) if isinstance(value, str) else value


Csv = Annotated[tuple[str, ...], BeforeValidator(split_csv)]
"""A list of words separated by commas."""

SecretCsv = Annotated[tuple[Secret, ...], BeforeValidator(_split_secrets)]
"""A list of secrets separated by commas or line ends."""


_UNIT_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_of(value: Any) -> Any:
    """Returns the seconds of a duration such as `90`, `5s`, `2m`, `1.5h` or `7d`; anything else as it is, for a later
    check."""
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|ms|s|m|h|d)", value.strip(), re.ASCII) if isinstance(value, str) else None
    )
    return float(match[1]) * _UNIT_SECONDS[match[2]] if match else value


Duration = Annotated[float, BeforeValidator(seconds_of)]
"""Seconds, written as a number or with a unit: `90`, `5s`, `2m`."""


def _usable_keys(entries: tuple[Secret, ...]) -> tuple[Secret, ...]:
    for entry in entries:
        key_and_roles(entry.get_secret_value())
    return entries


def _usable_key(key: Secret) -> Secret:
    if len(key.get_secret_value()) < SHORTEST_KEY:
        raise ValueError(f"needs at least {SHORTEST_KEY} characters; `openssl rand -hex 32` makes a good one")
    check_key(key.get_secret_value())
    return key


def _for_a_header(secret: Secret) -> Secret:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("a key is made of visible ASCII characters, without spaces")
    return secret


HeaderSecret = Annotated[Secret, AfterValidator(_for_a_header)]
"""A secret that is sent in a header, to another service."""

UsableKey = Annotated[Secret, AfterValidator(_usable_key)]
"""A secret that callers show: long enough, and of characters that a header takes."""


def _secure(url: str) -> str:
    parts = urlsplit(url)
    if not is_secure(url) or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an https:// address without a query (http:// on this machine alone)")
    return url


SecureAddress = Annotated[str, AfterValidator(_secure)]
"""An address to which keys and tokens may be sent: HTTPS, or HTTP on this machine."""


def _scopes(words: tuple[str, ...]) -> tuple[str, ...]:
    if any(not re.fullmatch(r"[!#-\[\]-~]+", word) for word in words):
        raise ValueError("a scope is made of visible ASCII characters without quotes and backslashes")
    return words


def _prefix(path: str) -> str:
    path = path.rstrip("/")
    if path and not path.startswith("/"):
        raise ValueError("must start with /")
    if path and not re.fullmatch(r"(/[\w.~%-]+)+", path, re.ASCII):
        raise ValueError("must be a path such as /api/http, without a query and without spaces")
    return path


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name != "*" and not re.fullmatch(r"(\*\.)?([\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:\d+)?", name):
            raise ValueError(f"{name!r} is not a host name, such as api.example.com, *.example.com or [::1]:8003")
    return names


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if origin not in ("*", "null") and not re.fullmatch(r"[A-Za-z][\w+.-]*://[^/?#@\s]+/?", origin):
            raise ValueError(f"{origin!r} is not an origin, such as https://app.example.com")
    return origins


def _networks(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        try:
            if address != "*":
                ip_network(address)
        except ValueError:
            raise ValueError(f"{address!r} is not an IP address or network, such as 10.0.0.0/8") from None
    return addresses


class ServiceSettings(BaseModel):
    """The variables that all four services share. Their names contain the units."""

    # A time without an end is no limit: infinity and NaN are refused.
    model_config = ConfigDict(
        frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False
    )

    host: str = Field("127.0.0.1", alias="HOST")
    port: int = Field(8000, alias="PORT", ge=0, le=65535)
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda v: v.upper() if isinstance(v, str) else v)
    ] = Field("INFO", alias="LOG_LEVEL")
    log_format: Literal["auto", "json", "text"] = Field("auto", alias="LOG_FORMAT")
    ui_language: Literal["es", "en"] = Field("es", alias="UI_LANGUAGE")
    suite_urls: Annotated[Mapping[SuitePage, str], BeforeValidator(parse_suite_urls)] = Field({}, alias="SUITE_URLS")
    root_path: Annotated[str, AfterValidator(_prefix)] = Field("", alias="ROOT_PATH")
    allowed_hosts: Annotated[Csv, AfterValidator(_hosts)] = Field(
        ("localhost", "127.0.0.1", "[::1]"), alias="ALLOWED_HOSTS"
    )
    cors_allowed_origins: Annotated[Csv, AfterValidator(_origins)] = Field(
        ("http://localhost:8002", "http://127.0.0.1:8002", "http://[::1]:8002"), alias="CORS_ALLOWED_ORIGINS"
    )
    cors_allow_all_origins: bool = Field(False, alias="CORS_ALLOW_ALL_ORIGINS")
    auth_mode: Literal["none", "keys"] = Field("none", alias="AUTH_MODE")
    api_keys: Annotated[SecretCsv, AfterValidator(_usable_keys)] = Field((), alias="API_KEYS")
    admin_api_key: UsableKey | None = Field(None, alias="ADMIN_API_KEY")
    # OAuth: the issuer whose tokens are taken beside the keys, what they must hold, and what their claims mean.
    oauth_issuer: SecureAddress | None = Field(None, alias="OAUTH_ISSUER")
    oauth_resource_url: SecureAddress | None = Field(None, alias="OAUTH_RESOURCE_URL")
    oauth_audience: Csv = Field((), alias="OAUTH_AUDIENCE")
    oauth_scopes: Annotated[Csv, AfterValidator(_scopes)] = Field((), alias="OAUTH_SCOPES")
    oauth_jwks_url: SecureAddress | None = Field(None, alias="OAUTH_JWKS_URL")
    oauth_roles_claim: str = Field("roles", alias="OAUTH_ROLES_CLAIM")
    oauth_operator_roles: Csv = Field((), alias="OAUTH_OPERATOR_ROLES")
    oauth_team_claim: str | None = Field(None, alias="OAUTH_TEAM_CLAIM")
    allow_open: bool = Field(False, alias="ALLOW_OPEN")
    trusted_proxies: Annotated[Csv, AfterValidator(_networks)] = Field((), alias="TRUSTED_PROXIES")
    max_body_bytes: int = Field(20 * 1024 * 1024, alias="MAX_BODY_BYTES", gt=0)
    shutdown_grace_seconds: int = Field(20, alias="SHUTDOWN_GRACE_SECONDS", ge=0)

    @property
    def has_keys(self) -> bool:
        """Whether any caller could be authenticated with AUTH_MODE=keys."""
        return bool(self.api_keys or self.admin_api_key or self.oauth_issuer)


LARGEST_INTEGER = 2**53 - 1
"""What every reader of JSON takes. Larger numbers of bytes, entries or tokens are a mistake."""
LARGEST_NUMBER = 1e9
"""In seconds, about 30 years. The clocks and dates of the standard library overflow not far beyond."""


def _check_sizes(settings: BaseModel) -> None:
    for name, field in type(settings).model_fields.items():
        value: Any = getattr(settings, name)
        most = LARGEST_INTEGER if isinstance(value, int) else LARGEST_NUMBER if isinstance(value, float) else None
        if most is not None and value > most:
            raise SettingsError(f"{field.alias or name}: must be at most {most:g}")


def is_loopback(host: str) -> bool:
    """Returns whether a server that listens on `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_S = TypeVar("_S", bound=BaseModel)


def load(settings: type[_S], environ: Mapping[str, str]) -> _S:
    """Returns the settings parsed from `environ`. An empty variable counts as unset, and `NAME_FILE` names a file that
    holds the secret `NAME`.

    Raises:
        SettingsError: a variable cannot be parsed, a required one is missing, or a secret's file cannot be used.
    """
    try:
        given = with_secret_files(environ, secret_variables(settings))
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    present = {name: value.strip() for name, value in given.items() if value.strip()}
    known = {field.alias or name for name, field in settings.model_fields.items()}
    for name, value in present.items():
        if name in known and not value.isascii() and not _is_text(value):
            raise SettingsError(f"{name}: is not text in UTF-8")
    try:
        loaded = settings.model_validate(present)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(item) for item in error.errors(include_input=False))) from None
    _check_sizes(loaded)
    return loaded


def _is_text(value: str) -> bool:
    """Returns whether `value` can be encoded: bytes of the environment that are no UTF-8 become halves of pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def secret_variables(settings: type[BaseModel]) -> frozenset[str]:
    """Returns the names of the variables of `settings` that hold secrets."""
    fields = settings.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if _holds_secret(field.annotation))


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))


def _explain(item: Any) -> str:
    name, message = str(item["loc"][0]) if item["loc"] else "settings", str(item["msg"])
    return f"{name}: {message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + '…'}"
