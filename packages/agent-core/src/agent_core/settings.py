"""Every variable of the agents, read once; the two agent services add their port."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from service_kit.settings import HeaderSecret, ServiceSettings


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as http://127.0.0.1:8003, without a query")
    _ = parts.port  # raises ValueError if it is none
    return value.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class AgentSettings(ServiceSettings):
    """What an agent needs beyond what every service has; times are in seconds."""

    max_body_bytes: int = Field(1024 * 1024, alias="MAX_BODY_BYTES", gt=0)
    llm_gateway_url: HttpUrl = Field("http://127.0.0.1:8003", alias="LLM_GATEWAY_URL")
    llm_gateway_api_key: HeaderSecret | None = Field(None, alias="LLM_GATEWAY_API_KEY")
    mcp_server_url: HttpUrl = Field("http://127.0.0.1:8000", alias="MCP_SERVER_URL")
    toolbox_api_key: HeaderSecret | None = Field(None, alias="TOOLBOX_API_KEY")
    default_model: str | None = Field(None, alias="DEFAULT_MODEL")
    max_steps: int = Field(10, alias="MAX_STEPS", ge=1, le=100)
    run_timeout_seconds: float = Field(120.0, alias="RUN_TIMEOUT_SECONDS", gt=0)
    tool_timeout_seconds: float = Field(30.0, alias="TOOL_TIMEOUT_SECONDS", gt=0)
    memory_passages: int = Field(4, alias="MEMORY_PASSAGES", ge=0, le=20)
    memory_min_score: float = Field(0.3, alias="MEMORY_MIN_SCORE", ge=-1, le=1)
    tool_search_threshold: int = Field(30, alias="TOOL_SEARCH_THRESHOLD", ge=1)
    max_input_chars: int = Field(32_000, alias="MAX_INPUT_CHARS", ge=1)
    max_threads: int = Field(1_000, alias="MAX_THREADS", ge=1)
    max_thread_messages: int = Field(60, alias="MAX_THREAD_MESSAGES", ge=2)
    max_thread_chars: int = Field(200_000, alias="MAX_THREAD_CHARS", ge=1_000)

    @property
    def mcp_endpoint(self) -> str:
        """Where the toolbox speaks MCP: `MCP_SERVER_URL` itself when it names the endpoint, else its `/mcp`."""
        return self.mcp_server_url if self.mcp_server_url.endswith("/mcp") else f"{self.mcp_server_url}/mcp"
