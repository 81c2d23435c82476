"""Watched files: edited, replaced, linked, and changed repeatedly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.watch import FileWatch


class Seen:
    """What was read after each change."""

    def __init__(self, path: Path, fail: int = 0) -> None:
        self._path = path
        self._fail = fail
        self.texts: list[str | None] = []

    async def __call__(self) -> None:
        if self._fail:
            self._fail -= 1
            raise ValueError("not now")
        self.texts.append(self._path.read_text() if self._path.is_file() else None)

    async def until(self, *texts: str | None) -> None:
        async with asyncio.timeout(5):
            while self.texts != list(texts):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(path: Path, fail: int = 0, settle: float = 0.02) -> AsyncIterator[Seen]:
    seen = Seen(path, fail)
    async with FileWatch(path).running("a file", seen, 0.01, settle):
        yield seen


async def test_edited_in_place_and_replaced_by_a_rename(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("one")
    async with watched(file) as seen:
        file.write_text("two")
        await seen.until("two")
        other = tmp_path / "b"
        other.write_text("six")  # as long as before
        os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        other.replace(file)
        await seen.until("two", "six")


async def test_gone_and_there_again(tmp_path: Path):
    file = tmp_path / "a.yaml"
    async with watched(file) as seen:
        file.write_text("one")
        await seen.until("one")
        file.unlink()
        await seen.until("one", None)
        file.write_text("one")
        await seen.until("one", None, "one")


async def test_a_config_map_whose_link_is_swung_round(tmp_path: Path):
    for version in ("..1", "..2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    async with watched(tmp_path / "a.yaml") as seen:
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await seen.until("..2")


async def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.touch()
    async with watched(file, settle=0.3) as seen:
        with file.open("w") as half:
            for part in ("a", "b", "c"):
                half.write(part)
                half.flush()
                await asyncio.sleep(0.05)
        await seen.until("abc")


async def test_a_change_before_the_loop_runs_is_seen(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("one")
    watch, seen = FileWatch(file), Seen(file)
    file.write_text("two!")
    async with watch.running("a file", seen, 0.01, 0.01):
        await seen.until("two!")


async def test_what_could_not_be_taken_up_is_tried_again(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("one")
    async with watched(file, fail=1) as seen:
        file.write_text("two!")
        await seen.until("two!")


async def test_a_folder_changes_with_its_files(tmp_path: Path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "one").write_text("1")
    async with watched(folder) as seen:
        (folder / "two").write_text("2")
        await seen.until(None)
        (folder / "one").write_text("11")
        await seen.until(None, None)
        (folder / "two").unlink()
        await seen.until(None, None, None)


def test_it_can_be_asked_without_a_loop(tmp_path: Path):
    file = tmp_path / "a.yaml"
    watch = FileWatch(file)
    assert not watch.take_up()
    file.write_text("one")
    assert watch.take_up()
    assert not watch.take_up()
