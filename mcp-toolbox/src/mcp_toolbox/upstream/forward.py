"""Forwarding of a call to the server that has the tool."""

from __future__ import annotations

from typing import Any

import anyio
from mcp import Client, MCPError, types
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.calls.request import REQUEST_ID, USER
from mcp_toolbox.errors import InputRequiredError
from mcp_toolbox.registry.context import CallContext, Rounds
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.upstream.attempt import Attempt, current_attempt
from mcp_toolbox.upstream.http import CONNECTION_LOST
from mcp_toolbox.upstream.questions import Questions
from mcp_toolbox.upstream.result_text import visible, without_scripts
from mcp_toolbox.upstream.sanitize import cleaned, shortened
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.spec import ServerSpec

_log = get_logger(__name__)

_MAX_MESSAGE = 2_000
_MOST_ROUNDS = 5

_Answer = types.CallToolResult | types.InputRequiredResult
_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)

_DOUBTFUL = frozenset({CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST})
"""The error codes that may concern the connection rather than the call."""


_LOST = frozenset({"Connection closed", CONNECTION_LOST})
"""The messages with which a lost connection is reported here. Servers use the same error code for errors of their
own."""


_UNKNOWN_SESSION = -32001
_OF_THE_CONNECTION = frozenset({401, 403, 404, 410})
_STREAM_ENDED = "SSE stream ended"
_SDK_CANNOT_PARSE = "Failed to parse "
"""The beginning of the SDK's own errors for an answer, whose rest is a validation report with the answer in it."""


class ConnectionLost(Exception):
    """The server left before it had answered."""


class NotRun(Exception):
    """The server cannot have run the call: its session was lost, or it could not be reached."""


async def forward(
    client: Client,
    spec: ServerSpec,
    questions: Questions,
    tool: str,
    arguments: dict[str, Any],
    context: CallContext,
    result: SchemaCheck | None,
) -> tuple[ToolResult, bool]:
    """Calls `tool`, and returns its answer and whether the connection should be checked. Every mistake of the server
    becomes an answer that describes it.

    A server of 2026-07-28 may answer with questions. The person behind the call is asked, and the server called again
    with the answers.

    Raises:
        ConnectionLost: the server left meanwhile, or the client was closed.
        NotRun: the call may be sent again on a new session.
        InputRequiredError: the client asks its person itself, and calls again.
    """
    rounds = context.rounds or Rounds()
    for _ in range(_MOST_ROUNDS):
        answer = await _sent(client, spec, tool, arguments, context, rounds)
        if isinstance(answer, tuple):
            return answer
        if isinstance(answer, types.CallToolResult):
            return _checked(answer, result, spec, tool), False
        rounds = await _next_round(answer, questions, context)
        if rounds is None:
            break
    return _failed(f"The MCP server '{spec.name}' asks for input that cannot be asked for here."), False


async def _next_round(asked: types.InputRequiredResult, questions: Questions, context: CallContext) -> Rounds | None:
    """Returns the answers of the person behind the call, or None if the questions cannot be asked.

    Raises:
        InputRequiredError: the client asks its person itself.
    """
    requests = questions.to_pass_on(asked.input_requests or {})
    if requests is None:
        return None
    if context.rounds is not None and questions.allowed:
        raise InputRequiredError(requests, asked.request_state)
    if context.ask is None:
        return None
    answers = {name: await questions.ask(context, request.params) for name, request in requests.items()}
    return Rounds(answers, asked.request_state)


async def _sent(
    client: Client,
    spec: ServerSpec,
    tool: str,
    arguments: dict[str, Any],
    context: CallContext,
    rounds: Rounds,
) -> _Answer | tuple[ToolResult, bool]:
    """Sends the call once, and returns what the server answers, or what `forward` does where it refuses.

    The request is sent below `Client.call_tool`, which would check the answer against the server's schema without
    limits, and would list the tools whenever it does not know one.

    Raises:
        ConnectionLost, NotRun: as `forward` does.
    """
    params = types.CallToolRequestParams(
        name=tool,
        arguments=arguments,
        _meta=_meta(context),
        input_responses=dict(rounds.answers) or None,
        request_state=rounds.state,
    )
    attempt = Attempt(sent=spec.target.kind == "stdio")  # over HTTP the transport says when it leaves
    token = current_attempt.set(attempt)
    try:
        with attempt.waiting:
            return await client.session.send_request(
                types.CallToolRequest(params=params), _ANSWER, progress_callback=_progress(context)
            )
        return _refused(spec.name, attempt)  # the wait was cancelled
    except MCPError as error:
        return _explained(spec.name, error, attempt)
    except (ValidationError, ValueError):
        return _failed(f"The MCP server '{spec.name}' answered something that is not a result of MCP."), False
    except (anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError) as error:
        raise (NotRun if attempt.not_run or not attempt.sent else ConnectionLost) from error
    finally:
        current_attempt.reset(token)


def _explained(server: str, error: MCPError, attempt: Attempt) -> tuple[ToolResult, bool]:
    """Returns an error as a result, and whether the connection should be checked.

    Raises:
        ConnectionLost: the server left.
        NotRun: the call may be sent again.
    """
    if attempt.not_run or (attempt.status is None and _is_unknown_session(error)):
        raise NotRun from error
    if error.code == CONNECTION_CLOSED and (error.message in _LOST or error.message.startswith(_STREAM_ENDED)):
        raise ConnectionLost from error
    if attempt.status is not None:
        return _refused(server, attempt)
    if error.code == PARSE_ERROR and error.message.startswith(_SDK_CANNOT_PARSE):
        return _failed(f"The MCP server '{server}' answered something that is not MCP."), False
    return _failed(shortened(cleaned(error.message)[0], _MAX_MESSAGE)), error.code in _DOUBTFUL


def _refused(server: str, attempt: Attempt) -> tuple[ToolResult, bool]:
    """Returns what a refusal over HTTP says, with the server and the status, and whether the connection should be
    checked.

    Raises:
        ConnectionLost: there was no answer.
        NotRun: the call may be sent again.
    """
    if attempt.not_run:
        raise NotRun
    if attempt.status is None:
        raise ConnectionLost
    text = f"The MCP server '{server}' answered HTTP {attempt.status}."
    if attempt.said:
        text += f" It says: {shortened(cleaned(attempt.said)[0], _MAX_MESSAGE)}"
    return _failed(text), attempt.said is None or attempt.status in _OF_THE_CONNECTION


def _is_unknown_session(error: MCPError) -> bool:
    return error.code == _UNKNOWN_SESSION and "session" in error.message.lower()


def _progress(context: CallContext) -> ProgressFnT | None:
    if context.report is None:
        return None

    async def passed_on(progress: float, total: float | None, message: str | None) -> None:
        await context.progress(progress, total, message and shortened(cleaned(message)[0], _MAX_MESSAGE))

    return passed_on


def _meta(context: CallContext) -> Any:
    """Returns what the server is told of the call: its trace by MCP's own name (SEP-414), the id that it has in our
    logs, and its end user."""
    told = {"traceparent": context.traceparent, REQUEST_ID: context.request_id, USER: context.user}
    return {name: value for name, value in told.items() if value} or None


def _checked(answer: types.CallToolResult, schema: SchemaCheck | None, spec: ServerSpec, tool: str) -> ToolResult:
    """Returns the server's result. One that breaks the tool's own output schema loses its structured content alone, and
    a sentence says so: the tool has run, and what it said must not be lost."""
    wire = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    size = len(to_json(wire))
    if size > spec.limits.result_bytes:
        return _failed(
            f"The tool's result has {size} bytes; this toolbox passes on {spec.limits.result_bytes}. "
            "Ask for less at a time."
        )
    (content, structured), hidden = visible([wire["content"], wire.get("structuredContent")])
    if hidden:
        _log.warning("hidden characters taken out of a result", server=spec.name, tool=tool, characters=hidden)
    content = list(map(without_scripts, content))
    failed = bool(answer.is_error)
    problem = _problem(schema, structured) if schema is not None and not failed else None
    if not content and structured is not None:
        content.append({"type": "text", "text": to_json(structured).decode()})
    if problem is not None:
        content.append({"type": "text", "text": f"{problem} The tool has run: do not call it again for this."})
        return ToolResult(tuple(content), None, structured is None)
    return ToolResult(tuple(content), structured if isinstance(structured, dict) else None, failed)


def _problem(schema: SchemaCheck, structured: Any) -> str | None:
    if not isinstance(structured, dict):
        return "The tool's result lacks the structured content that its output schema promises."
    problems = schema.problems(structured)
    if not problems:
        return None
    path, message = problems[0]
    return f"The tool's result does not fit its own output schema: {path or 'result'}: {message}."


def _failed(text: str) -> ToolResult:
    return ToolResult.of(text, is_error=True)
