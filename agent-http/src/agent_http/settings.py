"""The HTTP agent's variables: the agents', on a port of its own."""

from __future__ import annotations

from agent_core.settings import AgentSettings
from pydantic import Field


class HttpAgentSettings(AgentSettings):
    """What `.env` may say to the HTTP agent."""

    port: int = Field(8001, alias="PORT", ge=0, le=65535)
