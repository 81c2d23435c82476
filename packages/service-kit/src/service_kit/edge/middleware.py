"""The edge's middleware: one pass over every request before the application, and over every answer after it.

It gives each request an id, refuses hosts, pages, keys and bodies that are not allowed, and adds the security headers,
for HTTP and WebSocket alike and in the same way in all four services.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.auth.resource import INSUFFICIENT_SCOPE
from service_kit.auth.wrong_keys import WrongKeys
from service_kit.edge.body import BytesInFlight
from service_kit.edge.checks import CHECKS, WRONG_KEY, Check
from service_kit.edge.guard import RequestGuard
from service_kit.edge.policy import MACHINE_PATHS, Policy
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError, internal_error
from service_kit.ids import current_request_id, current_traceparent, traceparent
from service_kit.telemetry.access_log import Access
from service_kit.telemetry.logs import get_logger
from service_kit.telemetry.refusals import Refusals

_log = get_logger(__name__)

_GUARDED = frozenset({"http", "websocket"})


class EdgeMiddleware:
    """ASGI middleware that runs the checks of a `Policy` in order.

    `observe` gets an `Access` for each HTTP request and each refused WebSocket, except on the probes' paths. `refusals`
    counts wrong keys, and bodies that did not fit into memory.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Policy,
        observe: Callable[[Access], None] | None = None,
        refusals: Refusals | None = None,
        checks: tuple[Check, ...] = CHECKS,
    ) -> None:
        self._app = app
        self._policy = policy
        self._observe = observe
        self._refusals = refusals or Refusals()
        self._checks = checks
        self._in_flight = BytesInFlight(policy.max_body_bytes)
        self._wrong_keys = WrongKeys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _GUARDED:
            return await self._app(scope, receive, send)
        scope.setdefault("state", {})
        if self._policy.root_path:
            scope["root_path"] = self._policy.root_path
        request = EdgeRequest(self._policy, scope)
        guard = RequestGuard(request, send)
        current_request_id.set(request.id)
        trace = request.text(b"traceparent")
        if trace is not None:
            current_traceparent.set(traceparent(trace))
        started = time.perf_counter()
        try:
            if request.path not in MACHINE_PATHS:
                for check in self._checks:
                    await check(request)
        except ApiError as refusal:
            await self._refuse(guard, refusal)
            return self._note(guard, started, refused=True)
        if request.preflight:
            return await guard.answer_preflight()
        try:
            await self._pass(guard, receive)
        finally:
            guard.close()
        if request.is_http or guard.status != 101:
            self._note(guard, started, refused=not request.is_http)
        return None

    async def _refuse(self, guard: RequestGuard, refusal: ApiError) -> None:
        if refusal.code == WRONG_KEY:
            client = guard.request.client
            self._refusals.auth_failures[WRONG_KEY] += 1
            self._refusals.count(WRONG_KEY, client)
            await asyncio.sleep(self._wrong_keys.count(client))
        else:
            self._refusals.note(refusal.code, auth=refusal.status == 401 or refusal.code == INSUFFICIENT_SCOPE)
        await guard.refuse(refusal)

    async def _pass(self, guard: RequestGuard, receive: Receive) -> None:
        request, refusal = guard.request, None
        try:
            await self._app(request.scope, guard.limited(receive, self._in_flight), guard.send)
        except ApiError as error:  # reached only if the application has no error handler of its own
            refusal = error
        except asyncio.CancelledError:  # the server cancels what outlasts the grace period; the task ends here
            _log.warning("cut off by the stop", path=request.path)
            refusal = ApiError(503, "stopping", "The service is stopping.", spanish="El servicio se está deteniendo.")
        except Exception as error:  # noqa: BLE001 - the outermost layer: no client may see a stack trace
            _log.error("unexpected error", path=request.path, exc_info=error)
            refusal = internal_error()
        if guard.body_error is not None:
            refusal = guard.body_error
            if refusal.status == 503:
                self._refusals.count(refusal.code, request.client)
        if refusal is not None:
            await guard.refuse(refusal)

    def _note(self, guard: RequestGuard, started: float, *, refused: bool = False) -> None:
        request = guard.request
        if self._observe is None or request.path in MACHINE_PATHS:
            return
        milliseconds = (time.perf_counter() - started) * 1000
        principal = request.scope["state"]["principal"].id
        self._observe(
            Access(
                request.method, request.path, guard.status, time.time(), milliseconds, principal, request.id,
                request.client, refused,
            )
        )  # fmt: skip
