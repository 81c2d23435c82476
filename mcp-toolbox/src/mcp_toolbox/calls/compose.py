"""The call policy, composed from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from service_kit.limits.compose import limiter_of
from service_kit.limits.limiter import Limiter
from service_kit.settings import SettingsError

from mcp_toolbox.calls.access import ToolAccess
from mcp_toolbox.calls.audit import AuditLog, AuditStore
from mcp_toolbox.calls.audit_file import AppendOnlyFile, FileAudit
from mcp_toolbox.calls.call_policy import CallPolicy
from mcp_toolbox.calls.rates import Rates
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings

if TYPE_CHECKING:
    from mcp_toolbox.calls.audit_sql import SqlAudit

_DAY_SECONDS = 86_400


class CallPolicyParts(NamedTuple):
    """The parts of the call policy that must be open while tools are called; `shared_audit` is the store that all
    replicas share, if there is one."""

    audit: AuditLog
    limiter: Limiter
    shared_audit: SqlAudit | None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens the audit and the limiter until the block ends."""
        shared = self.shared_audit.running() if self.shared_audit else nullcontext()
        async with shared, self.audit.running(), self.limiter.running():
            yield


def with_call_policy(registry: ToolRegistry, settings: ToolboxSettings) -> CallPolicyParts:
    """Puts the call policy of the settings around `registry`, and returns its parts, which must be running while tools
    are called.

    Raises:
        SettingsError: the audit file cannot be written.
    """
    shared_audit = _shared_audit_of(settings)
    audit = AuditLog([*_file_of(settings), *([shared_audit] if shared_audit else [])])
    # Without a rate limit nothing is counted, so no store is needed.
    limiter = limiter_of(settings.redis_address() if settings.tool_rate_limits else None)
    registry.set_policy(
        CallPolicy(
            registry,
            audit=audit,
            rates=Rates(settings.tool_rate_limits, limiter),
            access=ToolAccess(settings.tool_access),
            timeout_seconds=settings.tool_timeout_seconds,
            timeouts=settings.tool_timeouts,
            max_result_bytes=settings.tool_max_result_bytes,
            record_arguments=settings.audit_arguments,
        )
    )
    return CallPolicyParts(audit, limiter, shared_audit)


def _shared_audit_of(settings: ToolboxSettings) -> SqlAudit | None:
    if settings.postgres_url is None:
        return None
    from mcp_toolbox.calls.audit_sql import SqlAudit  # SQL is large: it is loaded only if used
    from mcp_toolbox.database import address_of

    return SqlAudit(address_of(settings), settings.audit_retention_days * _DAY_SECONDS)


def _file_of(settings: ToolboxSettings) -> list[AuditStore]:
    if settings.audit_log is None:
        return []
    file = AppendOnlyFile(settings.audit_log)
    try:
        file.check()
    except OSError as error:
        raise SettingsError(f"AUDIT_LOG: {settings.audit_log} cannot be written: {error.strerror}") from None
    return [FileAudit(file)]
