"""Approval by elicitation.

On the handshake revisions the server asks the question while the call waits. On 2026-07-28 the answer to the call is
the question, and the client calls again with the person's answer and with a sealed state.

Sources: MCP 2025-11-25 and 2026-07-28, Client Features, Elicitation; 2026-07-28, Multi Round-Trip Requests.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import anyio
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.types import CallToolRequestParams, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from service_kit.auth.principal import ANONYMOUS
from service_kit.store.errors import StoreAway
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.approvals.question import FORM, can_be_shown, question
from mcp_toolbox.approvals.used_approvals import MemoryUsedApprovals, UsedApprovals
from mcp_toolbox.calls.request import is_asked_by_forms, principal_id, state_of
from mcp_toolbox.errors import InputRequiredError
from mcp_toolbox.registry.context import Rounds
from mcp_toolbox.registry.tool import Tool, ToolResult

_log = get_logger(__name__)

Settled = ToolResult | InputRequiredResult | None
"""The answer that a call gets in place of its tool's: a result, or the question. None means that the tool may run."""

_Request = ServerRequestContext[Any, Any]
_Action = Literal["accept", "decline", "cancel"]
_KEY = "approval"

CANNOT_ASK = "This tool is marked as destructive: it runs only after a person approved the call."


class AskedBy(msgspec.Struct, frozen=True):
    """The server of the tool, which has asked questions, and the state that it wants back with the answers."""

    state: str | None


class State(msgspec.Struct, frozen=True):
    """The state of a call between two rounds: the id of this operation, which is used once, its expiry (seconds since
    1970), and the digest of the tool. `asked_by` says that the questions are those of the tool's server."""

    operation: str
    until: float
    definition: str
    asked_by: AskedBy | None = None


_APPROVED = ElicitResult(action="accept")


_CANNOT_SHOW = (
    "This tool is marked as destructive, and its arguments are too many or too large to be shown whole to the person "
    "who would have to approve the call. Nobody was asked and it has not run: call it with fewer or smaller arguments."
)


class Approvals:
    """Asks a person before a destructive tool runs.

    `keys` seal the state that a 2026-07-28 client carries between the question and the answer: the first one seals, all
    of them open, and replicas share them. Without keys, a random one of this process is used. A state is valid for its
    tool, arguments and principal, for `ttl` seconds, and once, across the processes that share `used_approvals`.
    `language` is that of questions to clients that name none.
    """

    def __init__(
        self,
        destructive: Destructive,
        *,
        keys: Sequence[str] = (),
        used_approvals: UsedApprovals | None = None,
        language: str = "es",
        ttl: float = 600,
    ) -> None:
        self._destructive = destructive
        self._keys = tuple(keys)
        self._used = used_approvals or MemoryUsedApprovals()
        self._language = language
        self._ttl = ttl

    def running(self) -> AbstractAsyncContextManager[None]:
        """Opens the store of used approvals until the block ends. The service's lifespan enters it."""
        return self._used.running()

    def needed(self, tool: Tool) -> bool:
        """Returns whether `tool` runs only after a person has approved the call."""
        return tool in self._destructive

    def boundary(self, audience: str) -> RequestStateBoundary:
        """Returns the middleware that seals the state. `audience` names the service, so that another service's state is
        not accepted."""
        if self._keys:
            security = RequestStateSecurity(keys=self._keys, ttl=self._ttl, bind_principal=_principal)
        else:
            security = RequestStateSecurity.ephemeral(ttl=self._ttl)
            security.bind_principal = _principal
        return RequestStateBoundary(security, default_audience=audience)

    async def settle(self, request: _Request, tool: Tool, params: CallToolRequestParams) -> Settled:
        """Asks for an approval of this call, or checks the one that came with it. Returns the answer in place of the
        tool's, or None if the tool may run."""
        if not is_asked_by_forms(request):
            return ToolResult.of(f"{CANNOT_ASK} Your client does not support elicitation by a form.", is_error=True)
        if not can_be_shown(params.arguments or {}):
            return ToolResult.of(_CANNOT_SHOW, is_error=True)
        if request.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return await self._settle_in_rounds(request, tool, params)
        return _verdict(tool, await self._ask(request, tool, params.arguments or {}))

    def _text(self, request: _Request, tool: Tool, arguments: Mapping[str, Any]) -> str:
        return question(tool.name, arguments, state_of(request).get("language", self._language))

    async def _ask(self, request: _Request, tool: Tool, arguments: Mapping[str, Any]) -> _Action:
        with anyio.move_on_after(self._ttl):
            try:
                text = self._text(request, tool, arguments)
                return (await request.session.elicit_form(text, FORM, request.request_id)).action
            except (MCPError, NoBackChannelError, ValidationError) as error:
                _log.warning("approval could not be asked for", tool=tool.name, reason=type(error).__name__)
        return "cancel"

    async def _settle_in_rounds(self, request: _Request, tool: Tool, params: CallToolRequestParams) -> Settled:
        state = _opened(params.request_state, tool)
        answer = (params.input_responses or {}).get(_KEY)
        if state is None or (answer is None and state.asked_by is None):
            return self._question(request, tool, params.arguments or {})
        if state.asked_by is not None:  # approved in an earlier round; since then the tool's server has asked
            answer = _APPROVED
        if not isinstance(answer, ElicitResult):
            return ToolResult.of("The answer to the approval is not one of elicitation.", is_error=True)
        try:
            first = await self._used.spend(state.operation, state.until)
        except StoreAway:
            return ToolResult.of("Whether this approval was used cannot be told now; try again later.", is_error=True)
        if not first:
            return ToolResult.of("This approval has been used: call the tool again to ask anew.", is_error=True)
        return _verdict(tool, answer.action)

    def _question(self, request: _Request, tool: Tool, arguments: Mapping[str, Any]) -> InputRequiredResult:
        form = ElicitRequestFormParams(message=self._text(request, tool, arguments), requested_schema=FORM)
        return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=form)}, request_state=self._state(tool))

    def asked(self, tool: Tool, required: InputRequiredError) -> InputRequiredResult:
        """Returns the questions of the tool's server as the answer to the call, which was approved if it had to be."""
        return InputRequiredResult(
            input_requests=dict(required.questions), request_state=self._state(tool, AskedBy(required.state))
        )

    def _state(self, tool: Tool, asked_by: AskedBy | None = None) -> str:
        state = State(secrets.token_hex(16), time.time() + self._ttl, _definition(tool), asked_by)
        return msgspec.json.encode(state).decode()


def rounds_of(params: CallToolRequestParams, tool: Tool) -> Rounds:
    """Returns what a client of 2026-07-28 brings for the tool's server, once `RequestStateBoundary` has opened its
    state."""
    state = _opened(params.request_state, tool)
    if state is None or state.asked_by is None:
        return Rounds()
    return Rounds(params.input_responses or {}, state.asked_by.state)


def _verdict(tool: Tool, action: _Action) -> ToolResult | None:
    _log.info("approval", tool=tool.name, action=action)
    if action == "accept":
        return None
    said = "declined this call" if action == "decline" else "did not decide on this call"
    return ToolResult.of(f"The person {said}: {tool.name} has not run. Do not try it another way.", is_error=True)


def _definition(tool: Tool) -> str:
    """Returns a digest of the tool as it was approved, so that a tool that has changed since is asked about again."""
    return hashlib.sha256(json.dumps(tool.to_wire(), sort_keys=True).encode()).hexdigest()


def _opened(state: str | None, tool: Tool) -> State | None:
    """Returns a verified state, or None if it belongs to another version of the tool."""
    if state is None:
        return None
    try:
        held = msgspec.json.decode(state, type=State)
    except msgspec.MsgspecError:  # sealed by another version of the toolbox
        return None
    return held if held.definition == _definition(tool) else None


def _principal(request: _Request) -> str | None:
    id_ = principal_id(request)
    return None if id_ == ANONYMOUS else id_
