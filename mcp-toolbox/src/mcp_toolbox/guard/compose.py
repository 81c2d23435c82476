"""The guard, put together from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from service_kit.limits.compose import limiter_of
from service_kit.limits.limiter import Limiter
from service_kit.settings import SettingsError

from mcp_toolbox.catalogue import Catalogue
from mcp_toolbox.guard.audit import AuditLog
from mcp_toolbox.guard.audit_file import AppendOnlyFile
from mcp_toolbox.guard.guard import Guard
from mcp_toolbox.guard.rates import Rates
from mcp_toolbox.settings import ToolboxSettings


class GuardParts(NamedTuple):
    """What the guard holds open while the catalogue is called."""

    audit: AuditLog
    limiter: Limiter

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.audit.running(), self.limiter.running():
            yield


def guarded(catalogue: Catalogue, settings: ToolboxSettings) -> GuardParts:
    """Put a guard around `catalogue`; its parts, which have to run while the catalogue is called.

    Raises:
        SettingsError: the file of the record cannot be written.
    """
    audit = _audit_of(settings)
    # Without a rate nothing is counted, and no store is asked.
    url = settings.redis_url if settings.tool_rate_limits else None
    limiter = limiter_of(url.get_secret_value() if url else None)
    catalogue.guard(
        Guard(
            catalogue,
            audit=audit,
            rates=Rates(settings.tool_rate_limits, limiter),
            timeout_seconds=settings.tool_timeout_seconds,
            timeouts=settings.tool_timeouts,
            max_result_bytes=settings.tool_max_result_bytes,
            record_arguments=settings.audit_arguments,
        )
    )
    return GuardParts(audit, limiter)


def _audit_of(settings: ToolboxSettings) -> AuditLog:
    if settings.audit_log is None:
        return AuditLog()
    file = AppendOnlyFile(settings.audit_log)
    try:
        file.check()
    except OSError as error:
        raise SettingsError(f"AUDIT_LOG: {settings.audit_log} cannot be written: {error.strerror}") from None
    return AuditLog(file.append)
