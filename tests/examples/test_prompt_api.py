"""The examples of the prompt API, run as they are: two pages in a browser, two scripts, and the documented commands."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fake_providers import Endless, FakeAzure, FakeOpenAI, Says
from playwright.async_api import Page
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.browser import chromium
from tests.docs.repository import ROOT
from tests.llm_gateway.harness import KEY, Stage, gateway, staged
from tests.ports import free_ports

pytestmark = pytest.mark.timeout(60)

PAGES = {"streaming-SSE-client.html": "", "websocket-client.html": "/ws"}
EACH = pytest.mark.parametrize("page", PAGES)


@asynccontextmanager
async def opened(name: str, fake: FakeOpenAI, **environ: str) -> AsyncIterator[Page]:
    """An example in a browser, whose origin the gateway allows."""
    folder = Starlette(routes=[Mount("/", StaticFiles(directory=ROOT / "examples"))])
    async with running(folder) as pages, staged(fake, CORS_ALLOWED_ORIGINS=pages, **environ) as stage:
        url = stage.url.replace("http", "ws", 1) + "/ws" if PAGES[name] else stage.url
        async with chromium() as browser:
            page = await browser.new_page(locale="es-ES")
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            await page.goto(f"{pages}/{name}?{urlencode({'url': url, 'model': 'gpt-4o'})}")
            yield page
            assert errors == []


@EACH
async def test_a_page_shows_the_answer_as_it_comes(page: str):
    async with opened(page, FakeOpenAI(Says(["Ho", "la <b>a ti</b>"]))) as shown:
        await shown.get_by_role("button", name="Enviar").click()
        await shown.get_by_text("openai · gpt-4o · 13 tokens").wait_for()
        assert await shown.locator("#answer").text_content() == "Hola <b>a ti</b>"
        assert await shown.locator("#error").text_content() == ""


@EACH
async def test_a_page_stops_what_is_under_way(page: str):
    fake = FakeOpenAI(Endless("palabras ", pause=0.02))
    async with opened(page, fake) as shown:
        await shown.get_by_role("button", name="Enviar").click()
        await shown.locator("#answer", has_text="palabras").wait_for()
        await shown.get_by_role("button", name="Parar").click()
        await fake.calls[0].left.wait()
        await shown.locator("#send:enabled").wait_for()


@EACH
async def test_a_page_shows_what_went_wrong_and_takes_a_key(page: str):
    async with opened(page, FakeOpenAI(always=Says("Hola")), AUTH_MODE="keys", API_KEYS="user-key-1") as shown:
        await shown.get_by_role("button", name="Enviar").click()
        await shown.locator("#error:not(:empty)").wait_for()
        await shown.locator("#key").fill("user-key-1")
        await shown.get_by_role("button", name="Enviar").click()
        await shown.get_by_text("openai · gpt-4o").wait_for()
        await shown.locator("#model").fill("nope")
        await shown.get_by_role("button", name="Enviar").click()
        await shown.get_by_text("(model_not_found)").wait_for()


async def run(script: str | Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """Exit code and output of a program."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        script, *arguments, env={"PATH": path, **environ}, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_every_endpoint_answers():
    [port] = free_ports(1)
    async with gateway(GRPC_PORT=str(port)) as stage:
        code, said = await run(ROOT / "examples/test-all-endpoints.sh", BASE_URL=stage.url, GRPC_PORT=str(port))
    assert code == 0, said
    assert said.count("ok    ") == len(said.splitlines()) == 15


async def test_what_does_not_answer_is_said():
    async with gateway(AUTH_MODE="keys", API_KEYS="user-key-1") as stage:
        script = ROOT / "examples/test-all-endpoints.sh"
        refused = await run(script, BASE_URL=stage.url)
        passed = await run(script, BASE_URL=stage.url, API_KEY="user-key-1")
    assert refused[0] == 1 and "FAIL  POST /api/v1/generate" in refused[1]
    assert passed[0] == 0, passed[1]


async def test_a_batch_is_processed():
    async with gateway() as stage:
        code, said = await run(
            ROOT / "scripts/test-batch-processing.sh", BASE_URL=stage.url, ITEMS="20", VENV_PYTHON=sys.executable
        )
    assert code == 0, said
    assert "batch: 21 items" in said and "stream: 21 items" in said


# --- the commands as people know them, with the usual ports replaced by free ones ---

BODY = '{"prompt": "¿Qué es un átomo?", "model": "gpt-4o", "provider": "azure", "system": "Sé breve"}'
HEADERS = ("-H", "X-User-ID: user-123", "-H", "X-Session-ID: session-456")
COMMANDS: Mapping[str, tuple[str, str]] = {
    "": (BODY, '"sessionId":"session-456"'),
    "/stream": (BODY, '"finished":true'),
    "/batch": (f'{{"requests": [{BODY}, {BODY}]}}', '"count":2'),
    "/batch/stream": (f'{{"requests": [{BODY}, {BODY}]}}', '"done":true'),
}


@pytest.mark.parametrize("path", COMMANDS)
async def test_the_commands_work_as_they_stand(path: str):
    body, expected = COMMANDS[path]
    async with azure() as stage:
        address = f"{stage.url.replace('127.0.0.1', 'localhost')}/api/v1/generate{path}"
        code, said = await run("curl", "-sS", "-X", "POST", address, *HEADERS, "-d", body)
    assert code == 0 and expected in said and '"provider":"azure-openai"' in said, said


@asynccontextmanager
async def azure() -> AsyncIterator[Stage]:
    fake = FakeAzure(always=Says("Lo que no se corta."))
    async with running(fake) as upstream, gateway(AZURE_API_KEY=KEY, AZURE_ENDPOINT=upstream) as stage:
        yield stage
    fake.check()
