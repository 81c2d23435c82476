"""Embedding models: vectors of two models are never mixed, and the gateway's work as well as the local ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.mcp_toolbox.packs.conftest import Packs

EGGS, TRAIN = "La tortilla lleva huevos.", "El tren sale a las once."


@dataclass
class Gateway:
    """`POST /v1/embeddings`, whose vectors count a text's letters; `answer` replaces what it says."""

    dimensions: int = 26
    answer: Any = None
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[dict[str, str]]:
        app = Starlette(routes=[Route("/v1/embeddings", self._embed, methods=["POST"])])
        async with running(app) as url:
            yield {"MEMORY_EMBEDDINGS": "gateway", "LLM_GATEWAY_URL": url, "LLM_GATEWAY_API_KEY": "the-key"}

    async def _embed(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("authorization"))
        if self.answer is not None or self.status != 200:
            return JSONResponse(self.answer, self.status)
        data = [{"index": at, "embedding": self._vector(text)} for at, text in enumerate(body["input"])]
        return JSONResponse({"object": "list", "data": data[::-1]})  # in no particular order

    def _vector(self, text: str) -> list[float]:
        letters = [ord(letter) % self.dimensions for letter in text.lower() if letter.isalpha()]
        return [float(letters.count(index)) for index in range(self.dimensions)]


async def keep(registry: ToolRegistry, text: str) -> ToolResult:
    return await registry.call("memorizar_informacion", {"texto": text})


async def find(registry: ToolRegistry, question: str) -> ToolResult:
    return await registry.call("recuperar_contexto", {"pregunta": question})


async def test_the_gateway_makes_the_vectors(packs: Packs):
    gateway = Gateway()
    async with gateway.running() as environ, packs("memory", **environ) as registry:
        assert not (await keep(registry, EGGS)).is_error
        assert not (await keep(registry, TRAIN)).is_error
        found = (await find(registry, EGGS)).structured
    assert found is not None
    assert found["result"][0]["texto"] == EGGS
    assert found["result"][0]["puntuacion"] == pytest.approx(1, abs=1e-4)
    assert {(body["model"], body["encoding_format"]) for body in gateway.bodies} == {
        ("text-embedding-3-small", "float")
    }
    assert set(gateway.keys) == {"Bearer the-key"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"error": {"message": "no", "code": "x"}}, 503),
        ({"data": []}, 200),
        ({"data": [{"index": 0, "embedding": []}]}, 200),
        ({"data": [{"index": 0, "embedding": ["x"]}]}, 200),
        ({"data": [{"index": 0}]}, 200),
        ({"data": [{"embedding": [1.0]}]}, 200),
        ({"data": {"0": 1}}, 200),
        ([], 200),
        ("text", 200),
        (5, 200),
    ],
)
async def test_an_answer_that_is_no_vector_keeps_nothing(packs: Packs, answer: Any, status: int):
    gateway = Gateway(answer=answer, status=status)
    async with gateway.running() as environ, packs("memory", **environ) as registry:
        kept = await keep(registry, EGGS)
        assert (kept.is_error, "embeddings" in kept.text) == (True, True)
        gateway.answer, gateway.status = None, 200
        listed = await registry.call("listar_documentos", {})
        assert listed.structured is not None
        assert listed.structured["result"]["total"] == 0
        assert not (await keep(registry, EGGS)).is_error


async def test_a_gateway_that_is_away_is_said(packs: Packs):
    environ = {"MEMORY_EMBEDDINGS": "gateway", "LLM_GATEWAY_URL": "http://127.0.0.1:9"}
    async with packs("memory", **environ) as registry:
        kept = await keep(registry, EGGS)
    assert (kept.is_error, "try again" in kept.text) == (True, True)


@pytest.mark.parametrize("change", [{"MEMORY_EMBEDDINGS_MODEL": "another"}, {"MEMORY_EMBEDDINGS": "local"}])
async def test_another_model_is_refused_until_everything_is_embedded_anew(packs: Packs, change: dict[str, str]):
    async with Gateway().running() as environ:
        async with packs("memory", **environ) as registry:
            await keep(registry, EGGS)
        changed = {**environ, **change}
        async with packs("memory", **changed) as registry:
            for answer in (await keep(registry, TRAIN), await find(registry, "huevos")):
                assert answer.is_error
                assert "text-embedding-3-small" in answer.text
                assert "MEMORY_REEMBED=true" in answer.text
            assert not (await registry.call("listar_documentos", {})).is_error
        async with packs("memory", **changed, MEMORY_REEMBED="true") as registry:
            async with asyncio.timeout(20):
                while (found := await find(registry, "huevos")).is_error:
                    await asyncio.sleep(0.05)
            assert EGGS in found.text
            assert not (await keep(registry, TRAIN)).is_error
        async with packs("memory", **changed) as registry:
            assert TRAIN in (await find(registry, "tren")).text


async def test_another_length_of_the_same_model_is_refused(packs: Packs):
    gateway = Gateway()
    async with gateway.running() as environ, packs("memory", **environ) as registry:
        await keep(registry, EGGS)
        gateway.dimensions = 13
        answer = await keep(registry, TRAIN)
        assert answer.is_error
        assert "26 dimensions" in answer.text
        assert (await find(registry, "huevos")).is_error
