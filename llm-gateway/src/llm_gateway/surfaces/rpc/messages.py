"""The prompt API's requests and answers as gRPC messages."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from llm_gateway.canonical import Request
from llm_gateway.canonical.answer import Answer
from llm_gateway.dialects.prompt.parse import request_of
from llm_gateway.dialects.prompt.render import result_of
from llm_gateway.dialects.prompt.wire import PromptRequest
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from llm_gateway.surfaces.status import PromptModels, PromptStatus


def request_in(message: pb.GenerateRequest, *, stream: bool) -> Request:
    """Returns the canonical request in a message.

    Raises:
        InvalidRequest: a field has a value that means nothing; names the field.
    """
    sent = PromptRequest(
        prompt=message.prompt,
        model=message.model,
        provider=message.provider or None,
        system_prompt=message.system_prompt or None,
        max_tokens=message.max_tokens if message.HasField("max_tokens") else None,
        temperature=message.temperature if message.HasField("temperature") else None,
    )
    return request_of(sent, stream=stream)


def response_of(answer: Answer) -> pb.GenerateResponse:
    """Returns a whole answer."""
    return _filled(pb.GenerateResponse(), result_of(answer))


def chunk_of(chunk: dict[str, Any]) -> pb.GenerateChunk:
    """Returns one chunk of a stream."""
    return _filled(pb.GenerateChunk(), chunk)


def models_of(models: PromptModels) -> pb.ListModelsResponse:
    """Returns the list of models."""
    return _parsed(models.model_dump(by_alias=True, exclude_none=True), pb.ListModelsResponse())


def status_of(status: PromptStatus) -> pb.GetStatusResponse:
    """Returns the state of the gateway."""
    return _parsed(status.model_dump(by_alias=True, exclude_none=True), pb.GetStatusResponse())


_NAMES = {
    field.json_name: field.name for kind in (pb.GenerateResponse, pb.GenerateChunk) for field in kind.DESCRIPTOR.fields
}


def _filled(message: Any, body: dict[str, Any]) -> Any:
    """Returns `message` with the fields of a JSON object of the prompt API; those that are None stay unset. By hand,
    since it is done for each chunk: protobuf's own JSON parser takes ten times as long."""
    for name, value in body.items():
        if value is None:
            continue
        if name == "tokens":
            message.tokens.current, message.tokens.historical = value["current"], value["historical"]
            message.tokens.cached = value["cached"]
        elif name == "costUsd":
            message.cost_usd = float(value)
        else:
            setattr(message, _NAMES[name], value)
    return message


def _parsed(body: dict[str, Any], message: Message) -> Any:
    return json_format.ParseDict(body, message, ignore_unknown_fields=True)
