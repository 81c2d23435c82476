"""Amazon Bedrock's Converse."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import msgspec
from fake_providers import Behavior, Exchange
from fake_providers.bedrock import Embeds, Fails, FakeBedrock, Says, event, exception, frame
from llm_gateway.canonical import FinishReason, Image, Message, Reasoning, Request, Result, ToolCall, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock.client import BedrockClient

from tests.llm_gateway import values
from tests.llm_gateway.vendors.anthropic import signed
from tests.llm_gateway.vendors.vendor import Framing, Vendor, pieces, text_of

SIGNATURE = "c2lnbmF0dXJl"
_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "content_filtered",
}  # fmt: skip
_ERRORS = {400: "ValidationException", 429: "ThrottlingException", 500: "InternalServerException"}


def says(result: Result) -> Says:
    text = text_of(result)
    return Says(
        text=pieces(text) or None,
        calls=[(part.id, part.name, part.arguments) for part in result.content if isinstance(part, ToolCall)],
        reasoning="".join(part.text for part in result.content if isinstance(part, Reasoning)) or None,
        signature=SIGNATURE,
        stop_reason=_REASONS[result.finish_reason],
        usage=usage(result.usage or Usage()),
    )


def usage(counted: Usage) -> dict[str, Any]:
    """As Anthropic counts; thoughts are not told apart."""
    return {
        "inputTokens": counted.prompt_tokens - counted.cached_tokens,
        "cacheReadInputTokens": counted.cached_tokens,
        "outputTokens": counted.completion_tokens,
    }


def carried(result: Result) -> Result:
    assert result.usage
    uncounted = msgspec.structs.replace(result.usage, reasoning_tokens=0)
    return msgspec.structs.replace(signed(result, "aws", SIGNATURE), usage=uncounted)


def fails(status: int, retry_after: str | None = None) -> Behavior:
    return Fails(_ERRORS[status], retry_after=retry_after)


@dataclass(frozen=True)
class CallsTheTool:
    """The answer as the arguments of the tool that the request forces."""

    arguments: str

    async def play(self, exchange: Exchange) -> None:
        forced = exchange.call.body["toolConfig"]["toolChoice"]["tool"]["name"]
        await Says(calls=[("tooluse_1", forced, self.arguments)], usage=_SOME).play(exchange)


_SOME = {"inputTokens": 12, "cacheReadInputTokens": 8, "outputTokens": 12}


def _ends(body: bytes) -> list[int]:
    ends = [0]
    while ends[-1] < len(body):
        ends.append(ends[-1] + struct.unpack_from("!I", body, ends[-1])[0])
    return ends


_WHOLE = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})
_JSON = {":content-type": "application/json", ":message-type": "event"}
EVENT_STREAM = Framing(
    ends=_ends,
    garbage=(
        b"\x00" * 32, b"<html>502 Bad Gateway</html>", b"\xff" * 64,
        _WHOLE[:-1] + bytes([_WHOLE[-1] ^ 1]),  # a checksum that does not hold
        frame({":event-type": "contentBlockDelta", **_JSON}, b"{oops"),
        frame({":event-type": "contentBlockDelta", **_JSON}, b"[]"),
        frame({":event-type": "contentBlockDelta", **_JSON}, b"\xff\xfe"),
        frame({}, b""),
        exception("throttlingException", "Too many tokens"),
        exception("anotherException", "x"),
    ),
    noise=(event("somethingNew", {"x": 1}),),
    checked=True,
)  # fmt: skip


def _model(id_: str) -> Model:
    endpoint = values.endpoint(
        "aws", dialect="bedrock", base_url="http://127.0.0.1:9", path="/model/{id}/converse",
        stream_path="/model/{id}/converse-stream", headers={},
    )  # fmt: skip
    return values.model(id_, "aws", endpoint=endpoint)


def _bedrock(name: str, id_: str, **more: Any) -> Vendor:
    return Vendor(
        name=name, client=BedrockClient(), model=_model(id_), fake=FakeBedrock, says=says, fails=fails, embeds=Embeds,
        framing=EVENT_STREAM, carried=carried, **more,
    )  # fmt: skip


def without_tools(request: Request) -> Request:
    """What a model without tools and images can be asked."""
    messages = tuple(
        msgspec.structs.replace(
            message, content=tuple(part for part in message.content if not isinstance(part, Image | ToolCall))
        )
        for message in request.messages
        if message.role != "tool"
    )
    spoken = tuple(message for message in messages if message.content)
    return msgspec.structs.replace(
        request, messages=_ending_with_a_question(spoken), tools=(), tool_choice=None, response_format=None
    )


def _ending_with_a_question(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    while messages[-1].role == "assistant":
        messages = messages[:-1]
    return messages


BEDROCK = _bedrock("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
FAMILIES = (
    _bedrock("bedrock nova", "us.amazon.nova-pro-v1:0", forces=CallsTheTool),
    _bedrock("bedrock llama", "meta.llama3-70b-instruct-v1:0", takes=without_tools),
    _bedrock("bedrock titan", "amazon.titan-text-express-v1", takes=without_tools),
)
