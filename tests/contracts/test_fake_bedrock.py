"""The fake Bedrock speaks Bedrock's wire format: boto3, pointed straight at it, is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from fake_providers import Sends, Silent
from fake_providers.bedrock import Embeds, Endless, Fails, FakeBedrock, Raises, Says, Secret, event
from service_kit.testing import running
from urllib3.exceptions import ProtocolError

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
QUESTION = [{"role": "user", "content": [{"text": "Hola"}]}]
TOOLS = {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]}
CALLS = [("tooluse_1", "add", '{"a":1,"b":2}'), ("tooluse_2", "add", '{"a":3,"b":4}')]
KNOWN = {"AKIDRIGHT": Secret("right")}


class Boto:
    """A boto3 client whose calls run in a thread, so that the fake can answer from this loop."""

    def __init__(self, url: str, key: str = "AKIDRIGHT", secret: str = "right", token: str | None = None) -> None:
        session = boto3.Session(
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name="us-east-1"
        )
        config = Config(retries={"max_attempts": 0}, read_timeout=2)
        self.client: Any = session.client("bedrock-runtime", endpoint_url=url, config=config)

    async def __call__(self, call: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(call, self.client)

    async def converse(self, model: str = CLAUDE, **fields: Any) -> dict[str, Any]:
        return await self(lambda client: client.converse(modelId=model, **{"messages": QUESTION, **fields}))

    async def stream(self, model: str = CLAUDE, **fields: Any) -> list[dict[str, Any]]:
        """All events, each as it comes."""
        return await self(
            lambda client: list(client.converse_stream(modelId=model, **{"messages": QUESTION, **fields})["stream"])
        )


@asynccontextmanager
async def boto_of(fake: FakeBedrock, **credentials: Any) -> AsyncIterator[Boto]:
    async with running(fake) as url:
        yield Boto(url, **credentials)
    fake.check()


async def test_plain_answer():
    fake = FakeBedrock(Says("¡Hola!", usage={"inputTokens": 9, "outputTokens": 4, "cacheReadInputTokens": 5}))
    async with boto_of(fake) as boto:
        answer = await boto.converse(inferenceConfig={"temperature": 0.5})
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": "¡Hola!"}]}
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {"inputTokens": 9, "outputTokens": 4, "totalTokens": 18, "cacheReadInputTokens": 5}
    assert fake.calls[0].body == {"messages": QUESTION, "inferenceConfig": {"temperature": 0.5}}


async def test_stream_with_usage():
    async with boto_of(FakeBedrock(Says(["¡Ho", "la!"]))) as boto:
        events = await boto.stream()
    assert [next(iter(one)) for one in events] == [
        "messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
    ]  # fmt: skip
    assert [one["contentBlockDelta"]["delta"]["text"] for one in events[1:3]] == ["¡Ho", "la!"]
    assert events[-2]["messageStop"] == {"stopReason": "end_turn"}
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 13


@pytest.mark.parametrize("calls", [CALLS[:1], CALLS], ids=["one", "parallel"])
async def test_tool_calls_plain_and_streamed(calls: list[tuple[str, str, str]]):
    async with boto_of(FakeBedrock(Says("Voy", calls=calls), Says("Voy", calls=calls))) as boto:
        plain = await boto.converse(toolConfig=TOOLS)
        events = await boto.stream(toolConfig=TOOLS)
    uses = [block["toolUse"] for block in plain["output"]["message"]["content"][1:]]
    assert [(use["toolUseId"], use["name"], use["input"]) for use in uses] == [
        (id_, name, msgspec.json.decode(arguments)) for id_, name, arguments in calls
    ]
    assert plain["stopReason"] == "tool_use"
    starts = [one["contentBlockStart"]["start"]["toolUse"] for one in events if "contentBlockStart" in one]
    assert [(start["toolUseId"], start["name"]) for start in starts] == [call[:2] for call in calls]
    for number, (_, _, arguments) in enumerate(calls, 1):  # the text is block 0
        deltas = [one["contentBlockDelta"] for one in events if "contentBlockDelta" in one]
        mine = [delta["delta"]["toolUse"]["input"] for delta in deltas if delta["contentBlockIndex"] == number]
        assert "".join(mine) == arguments


async def test_thoughts_plain_and_streamed():
    says = Says("sí", reasoning="pienso", signature="sig", redacted=b"\x00secreto")
    async with boto_of(FakeBedrock(says, says)) as boto:
        plain = await boto.converse()
        events = await boto.stream()
    assert plain["output"]["message"]["content"][:2] == [
        {"reasoningContent": {"redactedContent": b"\x00secreto"}},
        {"reasoningContent": {"reasoningText": {"text": "pienso", "signature": "sig"}}},
    ]
    deltas = [one["contentBlockDelta"]["delta"] for one in events if "contentBlockDelta" in one]
    assert deltas[:3] == [
        {"reasoningContent": {"redactedContent": b"\x00secreto"}},
        {"reasoningContent": {"text": "pienso"}},
        {"reasoningContent": {"signature": "sig"}},
    ]


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("AccessDeniedException", 403), ("InternalServerException", 500), ("ModelErrorException", 424),
        ("ModelNotReadyException", 429), ("ModelTimeoutException", 408), ("ResourceNotFoundException", 404),
        ("ServiceUnavailableException", 503), ("ThrottlingException", 429), ("ValidationException", 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("in_body", [False, True], ids=["header", "body"])
async def test_errors_are_those_of_the_api(type_: str, status: int, in_body: bool):
    fake = FakeBedrock(Fails(type_, "words", in_body=in_body, retry_after="7"))
    async with boto_of(fake) as boto:
        with pytest.raises(getattr(boto.client.exceptions, type_)) as caught:
            await boto.converse()
    answer = caught.value.response
    assert answer["Error"]["Message"] == "words" and answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"


async def test_exceptions_in_a_stream():
    async with boto_of(FakeBedrock(Raises("throttlingException", message="slow down"))) as boto:
        with pytest.raises(EventStreamError) as caught:
            await boto.stream()
    assert caught.value.response["Error"] == {"Code": "throttlingException", "Message": "slow down"}


async def test_a_cut_stream_breaks_off():
    async with boto_of(FakeBedrock(Says(["Ho", "la"], cut_after=2))) as boto:
        with pytest.raises(ProtocolError):
            await boto.stream()


async def test_embeddings():
    async with boto_of(FakeBedrock(always=Embeds(3))) as boto:
        titan = await boto(
            lambda c: c.invoke_model(modelId="amazon.titan-embed-text-v2:0", body='{"inputText":"hola"}')
        )
        cohere = await boto(
            lambda c: c.invoke_model(
                modelId="cohere.embed-multilingual-v3",
                body='{"texts":["a","bb"],"input_type":"search_query"}',
            )
        )
    assert msgspec.json.decode(titan["body"].read()) == {
        "embedding": [4.0, 0.5, 0.5], "embeddingsByType": {"float": [4.0, 0.5, 0.5]}, "inputTextTokenCount": 1,
    }  # fmt: skip
    assert msgspec.json.decode(cohere["body"].read())["embeddings"] == [[1.0, 0.5, 0.5], [2.0, 0.5, 0.5]]


@pytest.mark.parametrize(
    "model",
    [CLAUDE, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"],
)
async def test_signatures_are_verified(model: str):
    fake = FakeBedrock(always=Says("sí"), credentials={**KNOWN, "ASIATEMP": Secret("other", token="tok/en+=")})
    async with running(fake) as url:
        assert (await Boto(url).converse(model))["stopReason"] == "end_turn"
        assert (await Boto(url, "ASIATEMP", "other", "tok/en+=").stream(model))[-1]["metadata"]
    fake.check()


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"key": "AKIDNOBODY"}, "UnrecognizedClientException"),
        ({"token": "surplus"}, "UnrecognizedClientException"),
        ({"key": "AKIDOLD"}, "ExpiredTokenException"),
    ],
)
async def test_wrong_credentials_are_refused(credentials: dict[str, str], code: str):
    fake = FakeBedrock(credentials={**KNOWN, "AKIDOLD": Secret("right", expired=True)})
    async with boto_of(fake, **credentials) as boto:
        with pytest.raises(ClientError) as caught:
            await boto.converse()
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 403), ({"authorization": "Bearer wrong"}, 403), ({"authorization": "Bearer right"}, 200)],
    ids=["unsigned", "wrong API key", "API key"],
)
async def test_api_keys(headers: dict[str, str], status: int):
    fake = FakeBedrock(always=Says("sí"), keys=["right"], credentials=KNOWN)
    async with running(fake) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.post(f"/model/{CLAUDE}/converse", json={"messages": QUESTION}, headers=headers)
    assert answer.status_code == status


USED = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "add", "input": {}}}]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "must start with a user message"),
        ({"messages": [*QUESTION, *QUESTION]}, "must alternate"),
        ({"messages": [{"role": "user", "content": [{"text": " \n"}]}]}, "is blank"),
        ({"messages": [{"role": "user", "content": []}]}, "is empty"),
        ({"messages": [*QUESTION, USED], "toolConfig": TOOLS}, "Expected toolResult"),
        ({"messages": [*QUESTION, USED, *QUESTION]}, "toolResult blocks must be those"),
        ({"inferenceConfig": {"temperature": 1.5}}, "between 0 and 1"),
        ({"system": [{"text": "x"}], "model": "amazon.titan-text-express-v1"}, "system field"),
        ({"toolConfig": TOOLS, "model": "meta.llama3-70b-instruct-v1:0"}, "tool use"),
        ({"system": [{"text": "x"}, {"cachePoint": {"type": "default"}}], "model": "meta.llama3-1-8b-v1:0"}, "caching"),
        (
            {
                "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
                "inferenceConfig": {"maxTokens": 1000},
            },
            "max_tokens",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_it_takes_no_request_that_the_api_would_refuse(fields: dict[str, Any], words: str):
    fake = FakeBedrock(always=Says("sí"))
    async with running(fake) as url:
        boto = Boto(url)
        with pytest.raises(boto.client.exceptions.ValidationException, match=words):
            await boto.converse(**fields)
    with pytest.raises(AssertionError, match="mistakes"):
        fake.check()


async def test_it_notices_that_a_client_leaves():
    fake = FakeBedrock(Endless(pause=0.01), Silent())
    async with boto_of(fake) as boto:
        answer = await boto(lambda client: client.converse_stream(modelId=CLAUDE, messages=QUESTION))
        assert await asyncio.to_thread(lambda: next(iter(answer["stream"])))
        answer["stream"].close()
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
        with pytest.raises(ReadTimeoutError):
            await boto.converse()
        await asyncio.wait_for(fake.calls[1].left.wait(), 5)


async def test_bytes_of_ones_own():
    pieces = [event("messageStart", {"role": "assistant"}), event("messageStop", {"stopReason": "end_turn"})]
    fake = FakeBedrock(Sends(pieces, content_type="application/vnd.amazon.eventstream"))
    async with boto_of(fake) as boto:
        assert await boto.stream() == [
            {"messageStart": {"role": "assistant"}}, {"messageStop": {"stopReason": "end_turn"}},
        ]  # fmt: skip
