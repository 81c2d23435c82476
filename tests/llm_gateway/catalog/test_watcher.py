from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.settings import GatewaySettings
from service_kit.background import BackgroundLoops
from service_kit.settings import load
from service_kit.testing import running

from tests.llm_gateway.harness import gateway
from tests.waiting import eventually

CATALOG = """\
providers:
  mine: {{base_url: "{url}", key_variable: MINE_KEY}}
  offline: {{dialect: offline, free: true}}
models:
  - {{name: one, provider: mine, id: {id}}}
  - {{name: offline, provider: offline, id: p}}
"""


def write(path: Path, id_: str = "m-1", url: str = "http://127.0.0.1:9/v1") -> None:
    path.write_text(CATALOG.format(id=id_, url=url))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    write(path)
    return path


def loader(path: Path, **environ: str) -> Callable[[], Catalog]:
    settings = load(GatewaySettings, environ)
    return lambda: load_catalog(settings, environ, path)


def test_a_changed_file_is_taken_up_whole(path: Path):
    holder = CatalogHolder(loader(path), path)
    before = holder.current()
    assert holder.check() is False and holder.current() is before
    write(path, "m-2")
    assert holder.check() is True
    assert holder.current().resolve("one").id == "m-2" and before.resolve("one").id == "m-1"
    assert holder.check() is False


@pytest.mark.parametrize("bad", ["{", "models: 7\n", "", None], ids=["syntax", "shape", "empty", "gone"])
def test_a_bad_file_is_refused_and_the_good_one_kept(path: Path, bad: str | None):
    holder = CatalogHolder(loader(path), path)
    if bad is None:
        path.unlink()
    else:
        path.write_text(bad)
    assert holder.check() is False
    assert holder.current().resolve("one").id == "m-1" and holder.error and str(path) in holder.error
    write(path, "m-3")
    assert holder.check() is True and holder.error is None and holder.current().resolve("one").id == "m-3"


@pytest.mark.parametrize("variable", [{"DEFAULT_MODEL": "one"}, {"DEFAULT_PROVIDER": "mine"}])
def test_a_file_without_the_default_is_refused(path: Path, variable: dict[str, str]):
    holder = CatalogHolder(loader(path, **variable), path)
    write(path)
    path.write_text(path.read_text().replace("one", "uno").replace("mine", "yours"))
    assert holder.check() is False and holder.error and holder.current().resolve("one")


async def test_the_watch_goes_on_after_a_bad_file(path: Path):
    holder = CatalogHolder(loader(path, DEFAULT_MODEL="one"), path, poll_seconds=0.02)
    async with holder.running():
        for bad in ("{", path.read_text().replace("one", "uno")):
            path.write_text(bad)
            await eventually(lambda: holder.error is not None)
            write(path, f"m-{len(bad)}")
            await eventually(lambda: holder.error is None)
            assert holder.current().resolve("one").id == f"m-{len(bad)}"


async def test_a_reload_does_not_disturb_a_request_that_runs(path: Path):
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("viejo", hold=hold), Says("nuevo"))
    async with running(fake) as url:
        write(path, "m-1", f"{url}/v1")
        async with gateway(CATALOG_FILE=str(path), MINE_KEY="k", DEFAULT_MODEL="one") as stage:
            asking = asyncio.create_task(stage.generate(model="one"))
            await fake.call()
            write(path, "m-2", f"{url}/v1")
            stage.parts.holder.check()
            assert (await stage.generate(model="one")).json()["provider_model"] == "m-2"
            hold.set()
            assert (await asking).json()["provider_model"] == "m-1"
            path.write_text("providers:\n  mine: {base_url: 7}\nmodels: []\n")
            stage.parts.holder.check()
            health = (await stage.http.get("/health")).json()
            assert health["status"] == "degraded" and f"{path}:2: " in health["catalog"]["error"]
            assert (await stage.generate(model="one")).headers["x-cache"] == "hit"
    fake.check()
    assert [call.body["model"] for call in fake.calls] == ["m-1", "m-2"]


def test_the_built_in_catalog_is_not_watched():
    holder = CatalogHolder(lambda: load_catalog(load(GatewaySettings, {}), {}))
    assert holder.check() is False and holder.source == "built-in"


@pytest.mark.parametrize("text", ["models: " + "[" * 50_000, "models: [2026-99-99]", "models: &m [*m]"])
async def test_a_file_that_no_parser_survives_keeps_the_last_good_one(path: Path, text: str):
    holder = CatalogHolder(loader(path), path, poll_seconds=0.02)
    loops = BackgroundLoops()
    with loops.collecting():
        async with holder.running():
            path.write_text(text)
            await eventually(lambda: holder.error is not None)
            assert holder.current().resolve("one").id == "m-1" and not loops.failing
            write(path, "m-2")
            await eventually(lambda: holder.current().resolve("one").id == "m-2")


async def test_a_large_file_is_read_beside_the_loop(path: Path):
    threads: set[str] = set()
    load_it = loader(path)

    def noting() -> Catalog:
        threads.add(threading.current_thread().name)
        return load_it()

    holder = CatalogHolder(noting, path, poll_seconds=0.02)
    threads.clear()
    async with holder.running():
        write(path, "m-2")
        await eventually(lambda: holder.current().resolve("one").id == "m-2")
    assert threads and threading.main_thread().name not in threads
