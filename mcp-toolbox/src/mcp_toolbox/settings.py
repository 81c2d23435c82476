"""The toolbox's own variables, in addition to those that all services share."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from service_kit.settings import Csv, HeaderSecret, Secret, SecretCsv, ServiceSettings, split_csv

from mcp_toolbox.calls.settings import ToolLists, ToolRates, ToolSeconds
from mcp_toolbox.packs.registry import known_packs

_SHORTEST_STATE_KEY = 32


def _long_and_different(keys: tuple[Secret, ...]) -> tuple[Secret, ...]:
    plain = [key.get_secret_value() for key in keys]
    if any(len(key.encode()) < _SHORTEST_STATE_KEY for key in plain):
        raise ValueError(f"each key needs at least {_SHORTEST_STATE_KEY} bytes, such as `openssl rand -hex 32` gives")
    if len(set(plain)) < len(plain):
        raise ValueError("a key stands there twice")
    return keys


def _postgres(url: Secret) -> Secret:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("postgres", "postgresql") or (parts.port is None and not parts.path):
        raise ValueError("must be an address such as postgres://user:password@host:5432/database?sslmode=require")
    return url


def _redis(url: Secret) -> Secret:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("must be an address such as redis://user:password@host:6379/0, or rediss:// for TLS")
    return url


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as https://host:8069")
    return url.rstrip("/")


def _sql(url: Secret) -> Secret:
    if not url.get_secret_value().startswith(("sqlite:///", "postgres://", "postgresql://")):
        raise ValueError("must be sqlite:///path/of/the.db or postgres://user:password@host:5432/database")
    return url if url.get_secret_value().startswith("sqlite") else _postgres(url)


_File = Annotated[Path, AfterValidator(Path.expanduser)]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Ports = Annotated[tuple[_Port, ...], BeforeValidator(split_csv)]
_Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(split_csv)]
HttpAddress = Annotated[str, AfterValidator(_http)]


class ToolboxSettings(ServiceSettings):
    """The toolbox's settings, parsed once by `app.py`. Units are in the names."""

    port: int = Field(8000, alias="PORT", ge=0, le=65535)
    max_body_bytes: int = Field(4 * 1024 * 1024, alias="MAX_BODY_BYTES", gt=0)
    destructive_tools: Csv = Field((), alias="DESTRUCTIVE_TOOLS")
    mcp_servers_file: _File | None = Field(None, alias="MCP_SERVERS_FILE")
    mcp_pins_file: _File | None = Field(None, alias="MCP_PINS_FILE")
    mcp_stdio_user: Annotated[str, StringConstraints(min_length=1)] | None = Field(None, alias="MCP_STDIO_USER")
    mcp_add_commands: bool = Field(False, alias="MCP_ADD_COMMANDS")
    mcp_add_networks: _Networks = Field((), alias="MCP_ADD_NETWORKS")
    mcp_add_variables: Csv = Field((), alias="MCP_ADD_VARIABLES")
    mcp_connect_timeout_seconds: float = Field(60.0, alias="MCP_CONNECT_TIMEOUT_SECONDS", gt=0, le=3_600)
    redis_url: Annotated[Secret, AfterValidator(_redis)] | None = Field(None, alias="REDIS_URL")
    tool_access: ToolLists = Field((), alias="TOOL_ACCESS")
    tool_rate_limits: ToolRates = Field((), alias="TOOL_RATE_LIMITS")
    tool_timeout_seconds: float = Field(30.0, alias="TOOL_TIMEOUT_SECONDS", gt=0, allow_inf_nan=False)
    tool_timeouts: ToolSeconds = Field((), alias="TOOL_TIMEOUTS")
    tool_max_result_bytes: int = Field(1024 * 1024, alias="TOOL_MAX_RESULT_BYTES", ge=1024)
    tool_search_threshold: int = Field(30, alias="TOOL_SEARCH_THRESHOLD", ge=1)
    audit_arguments: bool = Field(False, alias="AUDIT_ARGUMENTS")
    audit_retention_days: float = Field(90.0, alias="AUDIT_RETENTION_DAYS", gt=0, le=36_500)
    audit_log: _File | None = Field(None, alias="AUDIT_LOG")
    mcp_state_keys: Annotated[SecretCsv, AfterValidator(_long_and_different)] = Field((), alias="MCP_STATE_KEYS")

    # The tool packs, and where they store data.
    tool_packs: Annotated[Csv, AfterValidator(known_packs)] = Field((), alias="TOOL_PACKS")
    toolbox_db: str = Field("~/.local/share/agent-suite/toolbox.db", alias="TOOLBOX_DB")
    postgres_url: Annotated[Secret, AfterValidator(_postgres)] | None = Field(None, alias="POSTGRES_URL")
    memory_embeddings: Literal["local", "gateway"] = Field("local", alias="MEMORY_EMBEDDINGS")
    memory_embeddings_model: str = Field("text-embedding-3-small", alias="MEMORY_EMBEDDINGS_MODEL")
    memory_reembed: bool = Field(False, alias="MEMORY_REEMBED")
    llm_gateway_url: HttpAddress = Field("http://127.0.0.1:8003", alias="LLM_GATEWAY_URL")
    llm_gateway_api_key: HeaderSecret | None = Field(None, alias="LLM_GATEWAY_API_KEY")
    odoo_url: HttpAddress | None = Field(None, alias="ODOO_URL")
    odoo_db: str | None = Field(None, alias="ODOO_DB")
    odoo_user: str | None = Field(None, alias="ODOO_USER")
    odoo_password: Secret | None = Field(None, alias="ODOO_PASSWORD")
    odoo_timeout_seconds: float = Field(10.0, alias="ODOO_TIMEOUT_SECONDS", gt=0)
    fetch_allowed_hosts: Csv = Field((), alias="FETCH_ALLOWED_HOSTS")
    fetch_denied_hosts: Csv = Field((), alias="FETCH_DENIED_HOSTS")
    fetch_allowed_networks: _Networks = Field((), alias="FETCH_ALLOWED_NETWORKS")
    fetch_ports: _Ports = Field((80, 443), alias="FETCH_PORTS")
    fetch_max_bytes: int = Field(2 * 1024 * 1024, alias="FETCH_MAX_BYTES", ge=1024, le=64 * 1024 * 1024)
    fetch_timeout_seconds: float = Field(15.0, alias="FETCH_TIMEOUT_SECONDS", gt=0, le=600)
    files_root: _File | None = Field(None, alias="FILES_ROOT")
    files_read_only: bool = Field(True, alias="FILES_READ_ONLY")
    files_max_bytes: int = Field(1024 * 1024, alias="FILES_MAX_BYTES", ge=1, le=64 * 1024 * 1024)
    files_quota_bytes: int = Field(100 * 1024 * 1024, alias="FILES_QUOTA_BYTES", ge=0)
    sql_url: Annotated[Secret, AfterValidator(_sql)] | None = Field(None, alias="SQL_URL")
    sql_max_rows: int = Field(200, alias="SQL_MAX_ROWS", ge=1, le=10_000)
    sql_max_bytes: int = Field(256 * 1024, alias="SQL_MAX_BYTES", ge=1024, le=16 * 1024 * 1024)
    sql_timeout_seconds: float = Field(10.0, alias="SQL_TIMEOUT_SECONDS", gt=0, le=600)

    @model_validator(mode="after")
    def _packs_have_what_they_need(self) -> ToolboxSettings:
        if "files" in self.tool_packs and (self.files_root is None or not self.files_root.is_dir()):
            raise ValueError("TOOL_PACKS has files, which needs FILES_ROOT, a folder that is there")
        if "sql" in self.tool_packs and self.sql_url is None:
            raise ValueError("TOOL_PACKS has sql, which needs SQL_URL")
        return self

    @model_validator(mode="after")
    def _odoo_is_whole(self) -> ToolboxSettings:
        given = {"ODOO_URL": self.odoo_url, "ODOO_DB": self.odoo_db, "ODOO_USER": self.odoo_user}
        missing = [name for name, value in {**given, "ODOO_PASSWORD": self.odoo_password}.items() if not value]
        if "odoo" in self.tool_packs and missing:
            raise ValueError(f"TOOL_PACKS has odoo, which needs {', '.join(missing)}")
        return self
