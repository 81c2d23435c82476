"""The guard, put together from the settings."""

from __future__ import annotations

from service_kit.settings import SettingsError

from mcp_toolbox.calls.audit import AuditLog
from mcp_toolbox.calls.audit_file import AppendOnlyFile
from mcp_toolbox.calls.call_policy import CallPolicy
from mcp_toolbox.guard.rates import Rates
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings


def with_call_policy(registry: ToolRegistry, settings: ToolboxSettings) -> AuditLog:
    """Put a guard around `registry`; the record of its calls, which has to run while it is called.

    Raises:
        SettingsError: the file of the record cannot be written.
    """
    audit = _audit_of(settings)
    registry.guard(
        CallPolicy(
            registry,
            audit=audit,
            rates=Rates(settings.tool_rate_limits),
            timeout_seconds=settings.tool_timeout_seconds,
            timeouts=settings.tool_timeouts,
            max_result_bytes=settings.tool_max_result_bytes,
            record_arguments=settings.audit_arguments,
        )
    )
    return audit


def _audit_of(settings: ToolboxSettings) -> AuditLog:
    if settings.audit_log is None:
        return AuditLog()
    file = AppendOnlyFile(settings.audit_log)
    try:
        file.check()
    except OSError as error:
        raise SettingsError(f"AUDIT_LOG: {settings.audit_log} cannot be written: {error.strerror}") from None
    return AuditLog(file.append)
