"""The OpenAPI description of the routes that bypass the framework's validation, from their structs; and of errors,
which are in our envelope on every route, not in the framework's."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI

from llm_gateway.dialects.anthropic.wire import CountTokensRequest, MessagesRequest
from llm_gateway.dialects.native.wire import GenerateRequest
from llm_gateway.dialects.openai_chat.wire import ChatRequest
from llm_gateway.dialects.openai_embeddings.wire import EmbeddingsRequest
from llm_gateway.dialects.openai_responses.wire import ResponsesRequest
from llm_gateway.dialects.prompt.wire import BatchRequest, PromptRequest
from llm_gateway.surfaces.http.prompt import BATCH, BATCH_STREAM, PROMPT, PROMPT_STREAM
from llm_gateway.surfaces.http.schemas import chat, embeddings, errors, messages, native, prompt, responses

_REF = "#/components/schemas/{name}"
_FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")
_ERRORS = (400, 401, 403, 404, 413, 415, 421, 429, 502, 503, 504)


class Operation(msgspec.Struct, frozen=True):
    """One raw route: what it takes, what it answers whole (None: it only streams), and an example that works without a
    key wherever the planner can answer; `event` is one of its stream's, if it has streams."""

    path: str
    id: str
    summary: str
    request: type
    answer: type | None
    event: type | None
    example: dict[str, Any]
    tag: str
    error: type = errors.ErrorEnvelope


_PROMPT = {"prompt": "¿Qué puedes hacer?", "model": "offline"}
_QUESTION = [{"role": "user", "content": "¿Qué puedes hacer?"}]

OPERATIONS = (
    Operation(
        "/mcp/llm/generate", "generate", "Ask a model (native)", GenerateRequest, native.GenerateAnswer,
        native.GenerateEvent, {"model": "offline", "messages": _QUESTION}, "native",
    ),
    Operation(
        "/v1/chat/completions", "chat_completions", "Ask a model (OpenAI chat completions)", ChatRequest,
        chat.ChatCompletion, chat.ChatCompletionChunk, {"model": "offline", "messages": _QUESTION}, "openai",
    ),
    Operation(
        "/v1/responses", "responses", "Ask a model (OpenAI Responses, stateless)", ResponsesRequest,
        responses.ResponseObject, responses.ResponseEvent, {"model": "offline", "input": "¿Qué puedes hacer?"},
        "openai",
    ),
    Operation(
        "/v1/messages", "messages", "Ask a model (Anthropic Messages)", MessagesRequest, messages.MessageObject,
        messages.MessageEvent, {"model": "offline", "max_tokens": 1000, "messages": _QUESTION}, "anthropic",
        messages.MessagesError,
    ),
    Operation(
        "/v1/messages/count_tokens", "count_tokens", "Estimate the tokens of a prompt (Anthropic)", CountTokensRequest,
        messages.TokenCount, None, {"model": "offline", "messages": _QUESTION}, "anthropic", messages.MessagesError,
    ),
    Operation(
        "/v1/embeddings", "embeddings", "Turn texts into vectors (OpenAI embeddings)", EmbeddingsRequest,
        embeddings.EmbeddingList, None, {"model": "text-embedding-3-small", "input": ["Hola", "Adiós"]}, "openai",
    ),
    Operation(
        PROMPT, "generate_prompt", "Ask a model (prompt API)", PromptRequest, prompt.PromptAnswer, None, _PROMPT,
        "prompt",
    ),
    Operation(
        PROMPT_STREAM, "stream_prompt", "Ask a model, answered piece by piece (prompt API)", PromptRequest, None,
        prompt.PromptChunk, _PROMPT, "prompt",
    ),
    Operation(
        BATCH, "generate_batch", "Ask up to 1,000 prompts in parallel (prompt API)", BatchRequest, prompt.BatchAnswer,
        None, {"requests": [_PROMPT, {**_PROMPT, "prompt": "suma 5 y 3"}]}, "prompt",
    ),
    Operation(
        BATCH_STREAM, "stream_batch", "Ask up to 1,000 prompts in parallel, answered piece by piece (prompt API)",
        BatchRequest, None, prompt.BatchChunk, {"requests": [_PROMPT]}, "prompt",
    ),
)  # fmt: skip


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` describe `OPERATIONS` too."""
    framework = app.openapi

    def openapi() -> dict[str, Any]:
        document = framework()
        if OPERATIONS[0].path in document["paths"]:
            return document
        structs = [kind for op in OPERATIONS for kind in (op.request, op.answer, op.event, op.error) if kind]
        _, components = msgspec.json.schema_components([*structs, errors.ErrorEnvelope], ref_template=_REF)
        described = document.setdefault("components", {}).setdefault("schemas", {})
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                _add_envelope(operation["responses"])
        for name in _FRAMEWORK_ERRORS:
            described.pop(name, None)
        described.update(components)
        for operation in OPERATIONS:
            document["paths"][operation.path] = {"post": _described(operation)}
        return document

    app.openapi = openapi


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": False, "description": description, "schema": schema}


_TERMS = [
    _header(
        "X-Request-Timeout",
        "Seconds for everything, retries and fallbacks included",
        {"type": "number", "exclusiveMinimum": 0},
    ),
    _header(
        "X-Drop-Params",
        "Parameters, separated by commas, or `all`, to leave out where the model lacks them",
        {"type": "string", "examples": ["seed, top_k"]},
    ),
    _header(
        "X-Safe-Stream",
        "What becomes of a stream that breaks: held back until whole, or continued by another model",
        {"type": "string", "enum": ["off", "hold", "continue"]},
    ),
]

_CALLER = [
    _header("X-User-ID", "The end user, believed from trusted keys and with AUTH_MODE=none", {"type": "string"}),
    _header("X-Session-ID", "The session; without it the answer names a new one", {"type": "string", "maxLength": 128}),
]


def _described(operation: Operation) -> dict[str, Any]:
    return {
        "tags": [operation.tag],
        "summary": operation.summary,
        "operationId": operation.id,
        "parameters": _parameters(operation),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(operation.request), "example": operation.example}},
        },
        "responses": {
            "200": {
                "description": _description(operation),
                "content": _answers(operation),
            },
            **{str(status): _error(operation.error) for status in _ERRORS},
        },
    }


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    generates = operation.event or operation.tag == "prompt"
    return [*(_TERMS if generates else _TERMS[:1]), *(_CALLER if operation.tag == "prompt" else ())]


def _description(operation: Operation) -> str:
    if operation.event is None:
        return "The answer"
    return "The answer; with `stream` true, server-sent events" if operation.answer else "Server-sent events"


def _answers(operation: Operation) -> dict[str, Any]:
    kinds = {"application/json": operation.answer, "text/event-stream": operation.event}
    return {media_type: {"schema": _ref(kind)} for media_type, kind in kinds.items() if kind}


def _error(envelope: type = errors.ErrorEnvelope) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(envelope)}}
    return {"description": "The error envelope", "content": content}


def _add_envelope(described: dict[str, Any]) -> None:
    """Gives the envelope to the errors that a route declares, and to all others."""
    error = _error()
    for status, response in described.items():
        if status[0] in "45":
            response["content"] = error["content"]
    described["default"] = error


def _ref(struct: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=struct.__name__)}
