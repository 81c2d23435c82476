"""The border: one pass over every request, before a service sees it and when its answer leaves.

It gives the request an id, refuses strange hosts, pages, keys and bodies, and adds the security headers; for
HTTP and WebSocket alike, in the same way in all four services.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.edge.guard import RequestGuard
from service_kit.edge.policy import MACHINE_PATHS, Policy
from service_kit.errors import ApiError, internal_error
from service_kit.ids import current_request_id, current_traceparent, traceparent
from service_kit.telemetry.access_log import Access
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

_GUARDED = frozenset({"http", "websocket"})


class EdgeMiddleware:
    """ASGI middleware that holds a `Policy`.

    `observe` gets an `Access` for each HTTP request and each refused WebSocket, but for the machines' own.
    """

    def __init__(self, app: ASGIApp, policy: Policy, observe: Callable[[Access], None] | None = None) -> None:
        self._app = app
        self._policy = policy
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _GUARDED:
            return await self._app(scope, receive, send)
        scope.setdefault("state", {})
        if self._policy.root_path:
            scope["root_path"] = self._policy.root_path
        crossing = RequestGuard(self._policy, scope, send)
        current_request_id.set(crossing.id)
        if crossing.trace is not None:
            current_traceparent.set(traceparent(crossing.trace))
        started = time.perf_counter()
        try:
            await crossing.check()
        except ApiError as refusal:
            await crossing.refuse(refusal)
            return self._note(crossing, scope, started)
        if crossing.preflight:
            return await crossing.answer_preflight()
        await self._pass(crossing, scope, receive)
        if crossing.is_http:
            self._note(crossing, scope, started)
        return None

    async def _pass(self, crossing: RequestGuard, scope: Scope, receive: Receive) -> None:
        refusal: ApiError | None = None
        try:
            await self._app(scope, crossing.limited(receive), crossing.send)
        except ApiError as error:  # where no handler of the application's own was in between
            refusal = error
        except asyncio.CancelledError:  # the server cuts what outlives the grace period; the task ends here
            _log.warning("cut off by the stop", path=crossing.path)
            refusal = ApiError(503, "stopping", "The service is stopping.")
        except Exception as error:  # noqa: BLE001 - the outermost layer: whatever leaks must not become a stack trace
            _log.error("unexpected error", path=crossing.path, exc_info=error)
            refusal = internal_error()
        refusal = crossing.body_error or refusal
        if refusal is not None:
            await crossing.refuse(refusal)

    def _note(self, crossing: RequestGuard, scope: Scope, started: float) -> None:
        if self._observe is None or crossing.path in MACHINE_PATHS:
            return
        milliseconds = (time.perf_counter() - started) * 1000
        principal = scope["state"]["principal"].id
        self._observe(
            Access(crossing.method, crossing.path, crossing.status, time.time(), milliseconds, principal, crossing.id)
        )
