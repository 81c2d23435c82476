"""The policy that every tool call passes, whichever way it came in."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from mcp_toolbox.calls.access import ALL, ToolAccess
from mcp_toolbox.calls.audit import AuditLog, Entry, Outcome
from mcp_toolbox.calls.per_tool import PerTool
from mcp_toolbox.calls.rates import Rates
from mcp_toolbox.calls.redaction import redacted
from mcp_toolbox.errors import (
    InputRequiredError,
    InvalidArgumentsError,
    RateLimitedError,
    ToolboxError,
    ToolNotAllowedError,
    UnknownToolError,
    printable,
)
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Arguments, ToolResult
from mcp_toolbox.registry.tools import Call, ToolRegistry

_Noted = tuple[ToolResult, Outcome, int | None]


class CallPolicy:
    """Limits who may call a tool, how often, for how long and with what result, and records each call.

    It is put around a registry with `registry.set_policy(policy)`. `timeout_seconds` holds for tools that have no entry
    in `timeouts`, which are in seconds by tool. `max_result_bytes` bounds a result as JSON.
    """

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        audit: AuditLog,
        rates: Rates,
        access: ToolAccess = ALL,
        timeout_seconds: float,
        timeouts: Iterable[tuple[str, float]] = (),
        max_result_bytes: int,
        record_arguments: bool = False,
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._rates = rates
        self._access = access
        self._timeouts = PerTool(timeouts, timeout_seconds)
        self._max_result_bytes = max_result_bytes
        self._record_arguments = record_arguments

    def allows(self, principal: str, tool: str) -> bool:
        """Returns whether `principal` may use the tool, or prompt, of that name."""
        return self._access.allows(principal, tool)

    def around(self, call: Call) -> Call:
        """Returns `call` with the policy around it, which also raises ToolNotAllowedError and RateLimitedError. A tool
        that takes too long or answers too much gets a result that says so, with `is_error`."""

        async def with_call_policy(name: str, arguments: Arguments, context: CallContext) -> ToolResult:
            began = time.perf_counter()
            outcome: Outcome = "error"
            size: int | None = None
            try:
                result, outcome, size = await self._limited(call, name, arguments, context)
                return result
            except ToolboxError as error:
                outcome = _OUTCOMES.get(type(error), "error")
                raise
            except asyncio.CancelledError:
                outcome = "cancelled"
                raise
            finally:
                self._record(name, arguments, context, outcome, began, size)

        return with_call_policy

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None:
        """Records a call that was refused before it came here, for example because a person declined it."""
        self._record(name, arguments, context, "refused", time.perf_counter(), None)

    async def _limited(self, call: Call, name: str, arguments: Arguments, context: CallContext) -> _Noted:
        if self._registry.get(name) is None:
            return await call(name, arguments, context), "error", None  # raises UnknownToolError
        if not self._access.allows(context.principal, name):
            raise ToolNotAllowedError(name)
        await self._rates.take(context.principal, name)
        seconds = self._timeouts[name]
        try:
            async with asyncio.timeout(seconds) as limit:
                with context.time_limits.holding(lambda more: limit.reschedule((limit.when() or 0) + more)):
                    result = await call(name, arguments, context)
        except TimeoutError:
            text = f"The tool {name} was stopped: it had not answered within {seconds:g} s."
            return ToolResult.of(text, is_error=True), "timeout", None
        return self._fitting(name, result)

    def _fitting(self, name: str, result: ToolResult) -> _Noted:
        try:
            size = len(to_json(result.to_wire(), inf_nan_mode="null"))
        except PydanticSerializationError:  # for example half of a surrogate pair, which JSON cannot hold
            text = f"The tool {name} answered with something that cannot be sent."
            return ToolResult.of(text, is_error=True), "error", None
        if size > self._max_result_bytes:
            text = (
                f"The result of {name} is too large: {size:,} bytes, and at most {self._max_result_bytes:,} are passed "
                "on. Ask for less of it, for example with a filter or a page."
            )
            return ToolResult.of(text, is_error=True), "error", size
        return result, "error" if result.is_error else "ok", size

    def _record(
        self,
        name: str,
        arguments: Arguments,
        context: CallContext,
        outcome: Outcome,
        began: float,
        size: int | None,
    ) -> None:
        self._audit.record(
            Entry(
                at=time.time(),
                request_id=context.request_id,
                principal=context.principal,
                end_user=context.user,
                traceparent=context.traceparent,
                tool=printable(name),
                source=self._registry.source_of(name),
                outcome=outcome,
                milliseconds=(time.perf_counter() - began) * 1000,
                result_bytes=size,
                transport=context.transport,
                arguments=redacted(arguments) if self._record_arguments else None,
                id=f"{random.getrandbits(96):024x}",  # an identifier, not a secret
            )
        )


_OUTCOMES: dict[type[Any], Outcome] = {
    UnknownToolError: "unknown",
    InvalidArgumentsError: "invalid",
    ToolNotAllowedError: "refused",
    RateLimitedError: "rate_limited",
    InputRequiredError: "input_required",
}
