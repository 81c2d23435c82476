"""The toolbox's variables: those that all services share; only the port is its own."""

from __future__ import annotations

from pydantic import Field
from service_kit.settings import ServiceSettings


class ToolboxSettings(ServiceSettings):
    """Parsed once, by `app.py`."""

    port: int = Field(8000, alias="PORT", ge=0, le=65535)
