"""OpenAI's own client asks for embeddings: straight at the fake, and through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
import tiktoken.registry
from fake_providers import Embeds, Fails, FakeOpenAI, Says
from fake_providers.embeds import vector_of
from langchain_openai import OpenAIEmbeddings
from pydantic import SecretStr
from service_kit.testing import running

from tests.llm_gateway.harness import Stage, staged

MODEL = "text-embedding-3-small"


@asynccontextmanager
async def straight(fake: FakeOpenAI) -> AsyncIterator[openai.AsyncOpenAI]:
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        yield client
    fake.check()


@asynccontextmanager
async def through(fake: FakeOpenAI, **environ: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with staged(fake, **environ) as stage, client_of(stage) as client:
        yield client


def client_of(stage: Stage) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="any", max_retries=0)


@pytest.mark.parametrize("way", [straight, through])
@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}], ids=str)
async def test_vectors_are_those_of_the_texts(way: Any, form: dict[str, Any]):
    async with way(FakeOpenAI(Embeds(shuffled=True))) as client:
        answer = await client.embeddings.create(model=MODEL, input=["uno", "dos", "ñandú"], **form)
    vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
    if form.get("encoding_format") == "base64":  # who asks for it by name gets it as it is
        assert all(isinstance(vector, str) for vector in vectors)
    else:
        assert vectors == [vector_of(text) for text in ("uno", "dos", "ñandú")]
    assert (answer.object, answer.usage.prompt_tokens, answer.usage.total_tokens) == ("list", 3, 3)


@pytest.mark.parametrize(
    ("sent", "inputs"),
    [
        ("Hola", ["Hola"]),
        ([1, 2, 3], [[1, 2, 3]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
    ],
    ids=["text", "tokens", "lists of tokens"],
)
async def test_every_form_of_input(sent: Any, inputs: list[Any]):
    fake = FakeOpenAI(Embeds())
    async with through(fake) as client:
        answer = await client.embeddings.create(model=MODEL, input=sent, dimensions=4, user="ana")
    assert [item.embedding for item in answer.data] == [vector_of(item, 4) for item in inputs]
    assert fake.calls[0].body == {
        "model": MODEL, "input": inputs, "dimensions": 4, "user": "ana", "encoding_format": "base64",
    }  # fmt: skip


async def test_a_synchronous_client():
    async with staged(FakeOpenAI(Embeds())) as stage:

        def ask() -> list[float]:
            with openai.OpenAI(base_url=f"{stage.url}/v1", api_key="any", max_retries=0) as client:
                return client.embeddings.create(model=MODEL, input="uno").data[0].embedding

        assert await asyncio.to_thread(ask) == vector_of("uno")


async def test_headers_say_whose_vectors_they_are_and_what_they_cost():
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    async with through(FakeOpenAI(Embeds())) as client:
        raw = await client.embeddings.with_raw_response.create(model=MODEL, input="uno", encoding_format="float")
    assert raw.headers["x-provider"] == "openai" and raw.headers["x-provider-model"] == MODEL
    assert float(raw.headers["x-response-cost-usd"]) == pytest.approx(0.02e-6)
    body = raw.parse()
    assert body.model == f"openai/{MODEL}" and body.usage.model_dump(exclude={"cost_usd"}) == usage


@pytest.mark.parametrize(
    ("behavior", "error", "code"),
    [
        (Fails(401, "invalid_api_key"), openai.InternalServerError, "upstream_credentials"),
        (Fails(400, None), openai.BadRequestError, "upstream_rejected"),
        (Fails(404), openai.NotFoundError, "upstream_model_not_found"),
    ],
    ids=["401", "400", "404"],
)
async def test_a_failure_is_the_right_exception(behavior: Fails, error: type[openai.APIStatusError], code: str):
    async with through(FakeOpenAI(behavior)) as client:
        with pytest.raises(error) as caught:
            await client.embeddings.create(model=MODEL, input="uno")
    assert caught.value.code == code


async def test_a_model_that_talks_gives_no_vectors_and_one_of_vectors_does_not_talk():
    async with through(FakeOpenAI()) as client:
        with pytest.raises(openai.BadRequestError, match="'gpt-4o' gives no embeddings") as talks:
            await client.embeddings.create(model="gpt-4o", input="uno")
        with pytest.raises(openai.BadRequestError) as listens:
            await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hola"}])
    assert (talks.value.code, talks.value.param) == ("embeddings_not_supported", "model")
    assert (listens.value.code, listens.value.param) == ("chat_not_supported", "model")


# --- LangChain ---


def embeddings(stage: Stage, **options: Any) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(model=MODEL, base_url=f"{stage.url}/v1", api_key=SecretStr("any"), max_retries=0, **options)


async def test_langchain_with_texts():
    fake = FakeOpenAI(Embeds(), Embeds())
    async with staged(fake) as stage:
        model = embeddings(stage, check_embedding_ctx_length=False)
        documents = await model.aembed_documents(["uno", "dos"])
        query = await model.aembed_query("uno")
    assert documents == [vector_of("uno"), vector_of("dos")] and query == documents[0]
    assert [call.body["input"] for call in fake.calls] == [["uno", "dos"], ["uno"]]


@pytest.fixture
def bytes_as_tokens():
    """The encoding of this model, with one token a byte: the real one would have to be downloaded."""
    name = tiktoken.encoding_name_for_model(MODEL)
    tiktoken.registry.ENCODINGS[name] = tiktoken.Encoding(
        name, pat_str=r"[\s\S]", mergeable_ranks={bytes([byte]): byte for byte in range(256)}, special_tokens={}
    )
    yield
    del tiktoken.registry.ENCODINGS[name]


@pytest.mark.usefixtures("bytes_as_tokens")
async def test_langchain_with_token_ids():
    fake = FakeOpenAI(always=Embeds())
    async with staged(fake) as stage:
        documents = await embeddings(stage).aembed_documents(["uno", "dos"])
    assert fake.calls[0].body["input"] == [list(b"uno"), list(b"dos")]
    assert documents == [pytest.approx(vector_of(list(text))) for text in (b"uno", b"dos")]


async def test_says_is_not_what_an_embedding_route_takes():
    """The fake itself: a chat's behavior on the route of embeddings is not taken for vectors."""
    async with through(FakeOpenAI(Says("Hola"))) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.embeddings.create(model=MODEL, input="uno")
    assert caught.value.code == "upstream_protocol_error"
