"""A filter for the SDK's logs that drops reports of clients' mistakes."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from starlette.requests import ClientDisconnect

_SESSIONS = "mcp.server.streamable_http_manager"
_LOGGERS = ("mcp.server.sse", "mcp.server.streamable_http", _SESSIONS)


class ClientFaults(logging.Filter):
    """Drops the SDK's reports, with stack trace and the client's data, of messages that do not parse and of clients
    that left, and its warnings of requests for which there is no session. The client got an error, and the access log
    has a line for the request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == _SESSIONS and record.levelno == logging.WARNING:
            return False
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, ValidationError | ClientDisconnect)


def drop_client_faults() -> None:
    """Adds the filter to the SDK's loggers in this process."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(ClientFaults())
