"""Every variable of the gateway, read once. What belongs to one provider is a row of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator
from service_kit.settings import Csv, Duration, Secret, ServiceSettings, split_csv
from service_kit.store.settings import RedisSettings

_REGION = r"^[a-z0-9-]{1,32}$"
"""A region becomes part of a host name."""

_EITHER_CASE = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Variables that most programs also read in lower case, which goes before."""

RequestKind = Literal["chat", "json", "tools", "embeddings"]
"""Kinds of requests whose answers may be kept for different times."""

_duration = TypeAdapter(Annotated[Duration, Field(ge=0, allow_inf_nan=False)])


def _by_kind(value: Any) -> Any:
    """Returns the seconds for each kind of request of a list such as `chat=1h,embeddings=7d`."""
    if not isinstance(value, str):
        return value
    found: dict[str, float] = {}
    for item in split_csv(value):
        kind, separator, said = (part.strip() for part in item.partition("="))
        if not separator or kind not in get_args(RequestKind) or kind in found:
            raise ValueError(
                f"must name each of {', '.join(get_args(RequestKind))} at most once, as in chat=1h,embeddings=7d"
            )
        found[kind] = _duration.validate_python(said)
    return found


class GatewaySettings(RedisSettings, ServiceSettings):
    """Times are in seconds, sizes in bytes."""

    port: int = Field(8003, alias="PORT", ge=0, le=65535)
    http_port: int | None = Field(None, alias="HTTP_PORT", ge=0, le=65535)
    ws_port: int | None = Field(None, alias="WS_PORT", ge=0, le=65535)
    ws_max_connections: int = Field(1_000, alias="WS_MAX_CONNECTIONS", ge=1)
    grpc_port: int | None = Field(None, alias="GRPC_PORT", ge=0, le=65535)
    enable_tls: bool = Field(False, alias="ENABLE_TLS")
    tls_cert_path: str | None = Field(None, alias="TLS_CERT_PATH")
    tls_key_path: str | None = Field(None, alias="TLS_KEY_PATH")
    metrics_port: int | None = Field(None, alias="METRICS_PORT", ge=0, le=65535)
    catalog_file: str | None = Field(None, alias="CATALOG_FILE")

    default_model: str | None = Field(None, alias="DEFAULT_MODEL")
    default_provider: str | None = Field(None, alias="DEFAULT_PROVIDER")
    model_provider: str | None = Field(None, alias="MODEL_PROVIDER")
    model_name: str | None = Field(None, alias="MODEL_NAME")
    offline_fallback: Literal["auto", "never"] = Field("auto", alias="OFFLINE_FALLBACK")
    max_tokens: int | None = Field(None, alias="MAX_TOKENS", gt=0)
    temperature: float | None = Field(None, alias="TEMPERATURE", ge=0, le=2)

    cache_enabled: bool = Field(True, alias="CACHE_ENABLED")
    cache_ttl: Duration = Field(3600, alias="CACHE_TTL", gt=0)
    cache_ttl_by_kind: Annotated[Mapping[RequestKind, float], BeforeValidator(_by_kind)] = Field(
        {}, alias="CACHE_TTL_BY_KIND"
    )
    cache_max_size: int = Field(1000, alias="CACHE_MAX_SIZE", gt=0)
    redis_timeout: Duration = Field(0.01, alias="REDIS_TIMEOUT", gt=0)
    use_redis_cache: bool = Field(True, alias="USE_REDIS_CACHE")
    cache_max_bytes: int = Field(32 * 1024 * 1024, alias="CACHE_MAX_BYTES", gt=0)

    upstream_connect_timeout: float = Field(5, alias="UPSTREAM_CONNECT_TIMEOUT", gt=0)
    upstream_first_token_timeout: float = Field(60, alias="UPSTREAM_FIRST_TOKEN_TIMEOUT", gt=0)
    upstream_idle_timeout: float = Field(60, alias="UPSTREAM_IDLE_TIMEOUT", gt=0)
    upstream_total_timeout: float = Field(300, alias="UPSTREAM_TOTAL_TIMEOUT", gt=0)
    stream_keepalive: float = Field(10, alias="STREAM_KEEPALIVE_SECONDS", gt=0)
    stream_buffer_bytes: int = Field(4 * 1024 * 1024, alias="STREAM_BUFFER_BYTES", ge=64 * 1024)
    client_send_timeout: float = Field(30, alias="CLIENT_SEND_TIMEOUT", gt=0)
    pool_max_concurrent: int = Field(10_000, alias="POOL_MAX_CONCURRENT", gt=0)
    provider_max_concurrent: int = Field(2_000, alias="PROVIDER_MAX_CONCURRENT", gt=0)
    batch_max_parallel: int = Field(32, alias="BATCH_MAX_PARALLEL", gt=0)
    upstream_retries: int = Field(2, alias="UPSTREAM_RETRIES", ge=0, le=10)
    upstream_max_bytes: int = Field(32 * 1024 * 1024, alias="UPSTREAM_MAX_BYTES", gt=0)
    upstream_max_connections: int = Field(512, alias="UPSTREAM_MAX_CONNECTIONS", gt=0)
    upstream_max_connections_per_origin: int | None = Field(None, alias="UPSTREAM_MAX_CONNECTIONS_PER_ORIGIN", gt=0)

    https_proxy: Secret | None = Field(None, alias="HTTPS_PROXY")
    http_proxy: Secret | None = Field(None, alias="HTTP_PROXY")
    all_proxy: Secret | None = Field(None, alias="ALL_PROXY")
    no_proxy: Csv = Field((), alias="NO_PROXY")
    ssl_cert_file: str | None = Field(None, alias="SSL_CERT_FILE")

    image_fetch: Literal["never", "https"] = Field("never", alias="IMAGE_FETCH")
    image_fetch_max_bytes: int = Field(5 * 1024 * 1024, alias="IMAGE_FETCH_MAX_BYTES", gt=0)

    aws_region: str | None = Field(None, alias="AWS_REGION", pattern=_REGION)
    aws_default_region: str | None = Field(None, alias="AWS_DEFAULT_REGION", pattern=_REGION)
    aws_access_key_id: str | None = Field(None, alias="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: Secret | None = Field(None, alias="AWS_SECRET_ACCESS_KEY")
    aws_session_token: Secret | None = Field(None, alias="AWS_SESSION_TOKEN")
    aws_profile: str | None = Field(None, alias="AWS_PROFILE")
    aws_config_file: str | None = Field(None, alias="AWS_CONFIG_FILE")
    aws_shared_credentials_file: str | None = Field(None, alias="AWS_SHARED_CREDENTIALS_FILE")
    aws_role_arn: str | None = Field(None, alias="AWS_ROLE_ARN")
    aws_web_identity_token_file: str | None = Field(None, alias="AWS_WEB_IDENTITY_TOKEN_FILE")
    aws_container_relative_uri: str | None = Field(None, alias="AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    aws_container_full_uri: str | None = Field(None, alias="AWS_CONTAINER_CREDENTIALS_FULL_URI")
    aws_use_instance_role: bool = Field(False, alias="AWS_USE_INSTANCE_ROLE")

    local_model_path: str | None = Field(None, alias="LOCAL_MODEL_PATH")

    @model_validator(mode="before")
    @classmethod
    def _in_either_case(cls, environ: Any) -> Any:
        lower = {name: environ[name.lower()] for name in _EITHER_CASE if environ.get(name.lower())}
        return {**environ, **lower} if lower else environ

    @model_validator(mode="before")
    @classmethod
    def _port_by_either_name(cls, environ: Any) -> Any:
        """HTTP_PORT stands for PORT where that is not set."""
        port = environ.get("PORT") or environ.get("HTTP_PORT")
        return {**environ, "PORT": port} if port else environ
