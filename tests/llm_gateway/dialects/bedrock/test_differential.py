"""What we send equals what boto3 sends for the same call: body, path, content type, and what is signed.

Differences, and why they are none:
- `accept-encoding`, `user-agent`, `amz-sdk-invocation-id`, `amz-sdk-request`: a client's own marks; the last two are
  about its retries, and are neither required nor signed.
- the order of keys and the spaces in the JSON: bodies are compared as values.
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass, field
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config
from fake_providers.bedrock import FakeBedrock, Says, Secret
from llm_gateway.canonical import (
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.net.transport import Transport
from llm_gateway.providers.aws.bedrock import BedrockProvider
from llm_gateway.providers.aws.credentials import AwsCredentials, chain
from service_kit.testing import running

from tests.llm_gateway import values

REGION = "eu-west-1"
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_NEW = "global.anthropic.claude-opus-4-6-v1"
NOVA = "eu.amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "meta.llama3-70b-instruct-v1:0"
TITAN = "amazon.titan-text-express-v1"
MISTRAL_7B = "mistral.mistral-7b-instruct-v0:2"
DEEPSEEK = "us.deepseek.r1-v1:0"
COMMAND_R = "cohere.command-r-plus-v1:0"
ARN = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0"

PNG = base64.b64encode(b"\x89PNG\r\n").decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
ADD = Tool(name="add", description="Adds", parameters=SCHEMA)
ADD_SPEC = {"toolSpec": {"name": "add", "description": "Adds", "inputSchema": {"json": SCHEMA}}}
HOLA = {"role": "user", "content": [{"text": "Hola"}]}


def said(role: Any, *parts: Part | str, **more: Any) -> Message:
    return Message(role=role, content=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), **more)


USER = said("user", "Hola")
CALLED = said("assistant", "Voy", ToolCall(id="t1", name="add", arguments='{"n":1}'),
              ToolCall(id="t2", name="add", arguments='{"n": 2.5, "más": null}'))  # fmt: skip
CALLED_BLOCKS = {
    "role": "assistant",
    "content": [
        {"text": "Voy"},
        {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"n": 1}}},
        {"toolUse": {"toolUseId": "t2", "name": "add", "input": {"n": 2.5, "más": None}}},
    ],
}
JSON_WANTED = ResponseFormat(type="json_schema", name="number", schema=SCHEMA, description="A number")


@dataclass
class Case:
    """A request of ours, and the arguments with which boto3's user would say the same."""

    name: str
    model: str
    ours: dict[str, Any]
    boto: dict[str, Any]
    supports: tuple[str, ...] = ()
    limit: int | None = None
    stream: bool = False
    messages: tuple[Message, ...] = (USER,)
    said: list[dict[str, Any]] = field(default_factory=lambda: [HOLA])


CASES = [
    Case("a question", CLAUDE, {}, {}),
    Case("a streamed question", NOVA, {}, {}, stream=True),
    Case("an inference profile's ARN", ARN, {}, {}),
    Case(
        "a system prompt and sampling", NOVA,
        {"temperature": 0.25, "top_p": 0.5, "max_tokens": 99999, "stop": ("FIN", "\n\n")},
        {
            "system": [{"text": "Sé breve."}, {"text": "Y amable."}],
            "inferenceConfig": {"maxTokens": 5000, "temperature": 0.25, "topP": 0.5, "stopSequences": ["FIN", "\n\n"]},
        },
        limit=5000, messages=(said("system", "Sé breve."), USER, said("system", "Y amable.")),
    ),
    Case(
        "several turns, joined where they do not alternate", CLAUDE, {}, {},
        messages=(USER, said("user", "¿Estás?"), said("assistant", "Sí"), said("assistant", "."), said("user", "Bien")),
        said=[
            {"role": "user", "content": [{"text": "Hola"}, {"text": "¿Estás?"}]},
            {"role": "assistant", "content": [{"text": "Sí"}, {"text": "."}]},
            {"role": "user", "content": [{"text": "Bien"}]},
        ],
    ),
    Case(
        "an image", NOVA, {}, {},
        messages=(said("user", "¿Qué es?", Image(data=PNG, media_type="image/png")),),
        said=[
            {
                "role": "user",
                "content": [
                    {"text": "¿Qué es?"},
                    {"image": {"format": "png", "source": {"bytes": base64.b64decode(PNG)}}},
                ],
            }
        ],
    ),
    Case("tools", NOVA, {"tools": (ADD,)}, {"toolConfig": {"tools": [ADD_SPEC]}}),
    Case(
        "a tool that must be used, streamed", CLAUDE,
        {"tools": (ADD,), "tool_choice": ToolChoice(mode="tool", name="add")},
        {"toolConfig": {"tools": [ADD_SPEC], "toolChoice": {"tool": {"name": "add"}}}}, stream=True,
    ),
    Case(
        "any tool", CLAUDE, {"tools": (ADD,), "tool_choice": ToolChoice(mode="required")},
        {"toolConfig": {"tools": [ADD_SPEC], "toolChoice": {"any": {}}}},
    ),
    Case(
        "a tool as it may be", CLAUDE, {"tools": (ADD,), "tool_choice": ToolChoice(mode="auto")},
        {"toolConfig": {"tools": [ADD_SPEC], "toolChoice": {"auto": {}}}},
    ),
    Case(
        "a strict tool", CLAUDE, {"tools": (msgspec.structs.replace(ADD, strict=True),)},
        {"toolConfig": {"tools": [{"toolSpec": {**ADD_SPEC["toolSpec"], "strict": True}}]}}, supports=("json_schema",),
    ),
    Case(
        "results of parallel calls, one failed", CLAUDE, {"tools": (ADD,)}, {"toolConfig": {"tools": [ADD_SPEC]}},
        messages=(
            USER, CALLED, said("tool", "3", tool_call_id="t1"), said("tool", "ay", tool_call_id="t2", is_error=True),
            said("user", "Sigue"),
        ),
        said=[
            HOLA,
            CALLED_BLOCKS,
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "t1", "content": [{"text": "3"}]}},
                    {"toolResult": {"toolUseId": "t2", "content": [{"text": "ay"}], "status": "error"}},
                    {"text": "Sigue"},
                ],
            },
        ],
    ),
    Case(
        "a result with an image", CLAUDE, {"tools": (ADD,)}, {"toolConfig": {"tools": [ADD_SPEC]}},
        messages=(
            USER, said("assistant", ToolCall(id="t1", name="add", arguments="{}")),
            said("tool", Image(data=PNG, media_type="image/webp"), tool_call_id="t1"),
        ),
        said=[
            HOLA,
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "add", "input": {}}}]},
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "t1",
                            "content": [{"image": {"format": "webp", "source": {"bytes": base64.b64decode(PNG)}}}],
                        }
                    }
                ],
            },
        ],
    ),
    Case(
        "prompt caching", CLAUDE, {"tools": (msgspec.structs.replace(ADD, cache="1h"),)},
        {
            "toolConfig": {"tools": [ADD_SPEC, {"cachePoint": {"type": "default", "ttl": "1h"}}]},
            "system": [{"text": "Largo."}, {"cachePoint": {"type": "default"}}],
        },
        messages=(said("system", Text(text="Largo.", cache="5m")), said("user", Text(text="Hola", cache="5m"))),
        said=[{"role": "user", "content": [{"text": "Hola"}, {"cachePoint": {"type": "default"}}]}],
    ),
    Case(
        "thoughts that come back", CLAUDE, {"reasoning_budget": 2000, "max_tokens": 4000},
        {
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            "inferenceConfig": {"maxTokens": 4000},
        },
        messages=(
            USER,
            said(
                "assistant", Reasoning(text="mmm", signature="c2ln", provider="aws"),
                Reasoning(signature=base64.b64encode(b"\x00x").decode(), provider="aws", redacted=True),
                Reasoning(text="de otro", signature="x", provider="anthropic"), Reasoning(text="sin firma"), "Sí",
            ),
            USER,
        ),
        said=[
            HOLA,
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "mmm", "signature": "c2ln"}}},
                    {"reasoningContent": {"redactedContent": b"\x00x"}},
                    {"text": "Sí"},
                ],
            },
            HOLA,
        ],
    ),
    Case(
        "effort, for a model that adapts", CLAUDE_NEW, {"reasoning_effort": "high"},
        {
            "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
            "outputConfig": {"effort": "high"},
        },
    ),
    Case(
        "Nova's reasoning and top_k", NOVA_2, {"reasoning_effort": "low", "top_k": 20},
        {
            "additionalModelRequestFields": {
                "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}, "inferenceConfig": {"topK": 20},
            },
        },
    ),
    Case(
        "top_k and stop sequences of Claude", CLAUDE, {"top_k": 7, "stop": ("FIN",)},
        {
            "additionalModelRequestFields": {"top_k": 7}, "inferenceConfig": {"stopSequences": ["FIN"]},
            "additionalModelResponseFieldPaths": ["/stop_sequence", "/delta/stop_sequence"],
        },
    ),
    Case(
        "a schema by the model's own means", CLAUDE, {"response_format": JSON_WANTED},
        {
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {
                        "jsonSchema": {
                            "schema": msgspec.json.encode(CLOSED).decode(), "name": "number",
                            "description": "A number",
                        }
                    },
                }
            }
        },
        supports=("json_schema",),
    ),
    Case(
        "a schema by a forced tool", NOVA, {"response_format": JSON_WANTED},
        {
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": "number", "description": "A number", "inputSchema": {"json": SCHEMA}}}
                ],
                "toolChoice": {"tool": {"name": "number"}},
            }
        },
        stream=True,
    ),
    Case(
        "a system prompt for Titan", TITAN, {"max_tokens": 100}, {"inferenceConfig": {"maxTokens": 100}},
        messages=(said("system", "Sé breve."), USER),
        said=[{"role": "user", "content": [{"text": "Sé breve."}, {"text": "Hola"}]}],
    ),
    Case(
        "Mistral 7B", MISTRAL_7B, {"top_k": 3}, {"additionalModelRequestFields": {"top_k": 3}},
        messages=(said("system", "Sé breve."), USER),
        said=[{"role": "user", "content": [{"text": "Sé breve."}, {"text": "Hola"}]}],
    ),
    Case("Llama 3", LLAMA, {"temperature": 0.0}, {"system": [{"text": "S"}], "inferenceConfig": {"temperature": 0.0}},
         messages=(said("system", "S"), USER), stream=True),
    Case("DeepSeek R1", DEEPSEEK, {"top_p": 1.0}, {"inferenceConfig": {"topP": 1.0}}),
    Case("Command R+", COMMAND_R, {"tools": (ADD,), "top_k": 5},
         {"toolConfig": {"tools": [ADD_SPEC]}, "additionalModelRequestFields": {"k": 5}}, stream=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_it_is_what_boto3_sends(case: Case):
    fake = FakeBedrock(always=Says("sí"), credentials={"AKID": Secret("secret", "token")})
    async with running(fake) as url:
        await _by_us(case, url)
        await asyncio.to_thread(_by_boto3, case, url)
    fake.check()
    ours, theirs = fake.calls
    assert ours.body == theirs.body
    assert ours.raw_path == theirs.raw_path
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    assert ours.headers["x-amz-security-token"] == theirs.headers["x-amz-security-token"]
    assert _signed(ours.headers["authorization"]) == _signed(theirs.headers["authorization"])


def test_there_are_enough():
    assert len(CASES) >= 12


async def _by_us(case: Case, url: str) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    transport = Transport(max_connections=1, max_bytes=1_000_000)
    async with transport.running():
        provider = BedrockProvider(transport, AwsCredentials(chain(environ, REGION, instance_role=False)), REGION)
        endpoint = values.endpoint(
            "aws", dialect="bedrock", base_url=url, path="/model/{id}/converse",
            stream_path="/model/{id}/converse-stream", headers={},
        )  # fmt: skip
        model = values.model(case.model, "aws", endpoint=endpoint, supports=case.supports, max_output_tokens=case.limit)
        request = Request(model="x", messages=case.messages, stream=case.stream, **case.ours)
        if case.stream:
            assert [events async for events in provider.stream(request, model)]
        else:
            assert await provider.complete(request, model)


def _by_boto3(case: Case, url: str) -> None:
    client: Any = boto3.client(
        "bedrock-runtime", endpoint_url=url, region_name=REGION, aws_access_key_id="AKID",
        aws_secret_access_key="secret", aws_session_token="token", config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip
    call = client.converse_stream if case.stream else client.converse
    answer = call(modelId=case.model, messages=case.said, **case.boto)
    if case.stream:
        assert list(answer["stream"])


def _signed(authorization: str) -> tuple[str, str, str]:
    """The scheme, the scope and the headers of a signature; the signature itself is verified by the fake."""
    found = re.fullmatch(r"(\S+) Credential=(\S+), SignedHeaders=(\S+), Signature=[0-9a-f]{64}", authorization)
    assert found, authorization
    return found[1], found[2], found[3]
