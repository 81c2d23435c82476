"""The WebSocket agent's variables: the agents', and what bounds its sockets."""

from __future__ import annotations

from agent_core.settings import AgentSettings
from pydantic import Field
from service_kit.settings import UsableKey

_MIB = 1024 * 1024


class WebSocketAgentSettings(AgentSettings):
    """What `.env` may say to the WebSocket agent; units are in the names."""

    port: int = Field(8002, alias="PORT", ge=0, le=65535)
    page_token: UsableKey | None = Field(None, alias="PAGE_TOKEN")
    max_message_bytes: int = Field(256 * 1024, alias="WS_MAX_MESSAGE_BYTES", ge=1024)
    max_connections: int = Field(1_000, alias="WS_MAX_CONNECTIONS", ge=1)
    send_timeout_seconds: float = Field(30.0, alias="WS_SEND_TIMEOUT_SECONDS", gt=0)
    queue_limit: int = Field(8, alias="QUEUE_LIMIT", ge=0)
    event_log_max_events: int = Field(10_000, alias="EVENT_LOG_MAX_EVENTS", ge=1)
    event_log_max_bytes: int = Field(8 * _MIB, alias="EVENT_LOG_MAX_BYTES", ge=1)
    event_log_total_bytes: int = Field(64 * _MIB, alias="EVENT_LOG_TOTAL_BYTES", ge=1)
    connection_idle_seconds: float = Field(3_600.0, alias="CONNECTION_IDLE_SECONDS", ge=0)

    @property
    def largest_frame_bytes(self) -> int:
        """Past it a frame is not read to its end and the connection closes (1009); up to it an error answers."""
        return 4 * self.max_message_bytes
