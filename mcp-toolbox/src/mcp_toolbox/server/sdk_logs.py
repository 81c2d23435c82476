"""What the SDK logs, minus the mistakes of clients."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from starlette.requests import ClientDisconnect

_LOGGERS = ("mcp.server.sse", "mcp.server.streamable_http")


class ClientFaults(logging.Filter):
    """Drops the SDK's error reports, stack trace and the client's own data included, about a message that does
    not parse or a client that left: the client had its 400, and the access log has its line."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, ValidationError | ClientDisconnect)


def drop_client_faults() -> None:
    """Do so in this process."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(ClientFaults())
