"""Questions of another server to the person behind a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp import MCPError, types
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import NoBackChannelError
from pydantic import ValidationError
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.upstream.sanitize import cleaned, cleaned_schema, hidden, shortened
from mcp_toolbox.upstream.spec import ServerSpec

_log = get_logger(__name__)

ASK_SECONDS = 600.0
"""The time in which a person answers; the limits of the call do not run meanwhile."""

_LONGEST_QUESTION = 4_000
_DECLINED = types.ElicitResult(action="decline")


class Questions:
    """Passes the questions of one server on to the clients whose calls it is running.

    A server of an older revision asks without saying for which call. It is passed on only while one call runs, since a
    question must not reach the person of another call; otherwise it is declined.
    """

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._running: list[CallContext] = []

    @property
    def allowed(self) -> bool:
        """Whether the operator lets the server ask."""
        return self._spec.elicits

    @contextmanager
    def during(self, context: CallContext) -> Iterator[None]:
        """Notes that a call with this context is running, until the block ends."""
        self._running.append(context)
        try:
            yield
        finally:
            self._running.remove(context)

    async def answered(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult | types.ErrorData:
        """Returns the answer to `elicitation/create`; the SDK calls this."""
        if len(self._running) == 1:
            return await self.ask(self._running[0], params)
        _log.warning("question declined: it is not known for which call", server=self._spec.name)
        return _DECLINED

    async def ask(self, context: CallContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Returns what the person behind `context` answers; a question that cannot be asked is declined."""
        if context.ask is None or not self.allowed or not _is_safe(params):
            return _DECLINED
        try:
            with context.time_limits.paused(ASK_SECONDS), anyio.fail_after(ASK_SECONDS):
                return await context.ask(self.shown(params))
        except TimeoutError:
            return types.ElicitResult(action="cancel")
        except (MCPError, NoBackChannelError, ValidationError) as error:
            _log.warning("question not asked", server=self._spec.name, reason=type(error).__name__)
            return _DECLINED

    def shown(self, params: types.ElicitRequestParams) -> types.ElicitRequestParams:
        """Returns the question as a person sees it: with the name of the server, and without hidden characters."""
        message = f"[{self._spec.name}] {shortened(cleaned(params.message)[0], _LONGEST_QUESTION)}"
        if isinstance(params, types.ElicitRequestURLParams):
            return params.model_copy(update={"message": message})
        return types.ElicitRequestFormParams(
            message=message, requested_schema=cleaned_schema(params.requested_schema)[0]
        )

    def to_pass_on(self, requests: Mapping[str, types.InputRequest]) -> dict[str, Any] | None:
        """Returns the questions for a client that answers them with another call, or None if one of them is not for a
        person, or not safe to show."""
        shown: dict[str, Any] = {}
        for name, request in requests.items():
            if not isinstance(request, types.ElicitRequest) or not _is_safe(request.params):
                return None
            shown[name] = types.ElicitRequest(params=self.shown(request.params))
        return shown


def _is_safe(params: types.ElicitRequestParams) -> bool:
    """Returns whether a page to which a person is sent is one of the web, whose address can be read whole."""
    if not isinstance(params, types.ElicitRequestURLParams):
        return True
    return urlsplit(params.url).scheme in ("http", "https") and not any(map(hidden, params.url))
