"""Tools of the fixture server that answer with questions first, as 2026-07-28 has it (multi-round trips)."""

from __future__ import annotations

from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    GetPromptRequestParams,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from mcp_toolbox.registry.prompts import said_by_user
from mcp_toolbox.registry.tool import ToolResult

from tests.conformance.conversations import Answer, Conversation, Request

Params = CallToolRequestParams | GetPromptRequestParams


def ask(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """A form of one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(text: str, max_tokens: int) -> CreateMessageRequest:
    """A text for the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def required(questions: dict[str, InputRequest], state: str | None = None) -> InputRequiredResult:
    """The questions, and what the client has to bring back with the answers."""
    return InputRequiredResult(input_requests=questions, request_state=state)


def answered(params: Params, key: str) -> Any:
    """The client's answer to one question, or None."""
    return (params.input_responses or {}).get(key)


async def elicitation(request: Request, params: CallToolRequestParams) -> Answer:
    answer = answered(params, "user_name")
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return required({"user_name": ask("What is your name?", "name")})
    return ToolResult.of(f"Hello, {(answer.content or {}).get('name')}!")


async def sampling(request: Request, params: CallToolRequestParams) -> Answer:
    answer = answered(params, "capital_question")
    if not isinstance(answer, CreateMessageResult) or not isinstance(answer.content, TextContent):
        return required({"capital_question": sample("What is the capital of France?", 100)})
    return ToolResult.of(answer.content.text)


async def list_roots(request: Request, params: CallToolRequestParams) -> Answer:
    answer = answered(params, "client_roots")
    if not isinstance(answer, ListRootsResult):
        return required({"client_roots": ListRootsRequest()})
    return ToolResult.of(f"Roots: {', '.join(str(root.uri) for root in answer.roots)}")


async def request_state(request: Request, params: CallToolRequestParams) -> Answer:
    if answered(params, "confirm") is None:
        return required({"confirm": ask("Please confirm", "ok", "boolean")}, "asked")
    _expect(params, "asked")
    return ToolResult.of("state-ok")


async def multiple_inputs(request: Request, params: CallToolRequestParams) -> Answer:
    questions: dict[str, InputRequest] = {
        "user_name": ask("What is your name?", "name"),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": ListRootsRequest(),
    }
    if any(answered(params, key) is None for key in questions):
        return required(questions, "asked")
    _expect(params, "asked")
    return ToolResult.of("All three were answered.")


async def multi_round(request: Request, params: CallToolRequestParams) -> Answer:
    if params.request_state == "second" and answered(params, "step2") is not None:
        return ToolResult.of("Both steps were answered.")
    if params.request_state == "first" and answered(params, "step1") is not None:
        return required({"step2": ask("Step 2: What is your favorite color?", "color")}, "second")
    return required({"step1": ask("Step 1: What is your name?", "name")}, "first")


async def capabilities(request: Request, params: CallToolRequestParams) -> Answer:
    declared = request.session.client_capabilities
    questions: dict[str, InputRequest] = {}
    if declared and declared.sampling is not None:
        questions["greeting"] = sample("Generate a greeting", 50)
    if declared and declared.elicitation is not None:
        questions["user_name"] = ask("What is your name?", "name")
    return required(questions) if questions else ToolResult.of("The client can be asked nothing.")


async def prompt(request: Request, params: GetPromptRequestParams) -> dict[str, Any] | InputRequiredResult:
    """`prompts/get` that asks first."""
    answer = answered(params, "user_context")
    if not isinstance(answer, ElicitResult):
        return required({"user_context": ask("What context should the prompt use?", "context")})
    return {"messages": [said_by_user(f"Context: {(answer.content or {}).get('context')}")]}


def _expect(params: Params, state: str) -> None:
    if params.request_state != state:
        raise MCPError(code=INVALID_PARAMS, message="The answers come without the state of their question")


_NAME = "test_input_required_result_"

ASKING: dict[str, Conversation] = {
    _NAME + "elicitation": elicitation,
    _NAME + "sampling": sampling,
    _NAME + "list_roots": list_roots,
    _NAME + "request_state": request_state,
    _NAME + "multiple_inputs": multiple_inputs,
    _NAME + "multi_round": multi_round,
    _NAME + "tampered_state": request_state,
    _NAME + "capabilities": capabilities,
    "test_streaming_elicitation": elicitation,
}
ASKING_PROMPT = _NAME + "prompt"
