from __future__ import annotations

import asyncio
import os
import socket
import threading
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.app import from_environment
from mcp_toolbox.packs.files.errors import FileRefused
from mcp_toolbox.packs.files.folder import Folder
from mcp_toolbox.packs.files.paths import names_of
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import SettingsError, load

READING = {"list_files", "read_file", "search_files"}
WRITING = {"create_file", "replace_file", "edit_file"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder; a file with a secret is beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@asynccontextmanager
async def tools(root: Path, **environ: str) -> AsyncIterator[ToolRegistry]:
    registry = ToolRegistry()
    given = {"TOOL_PACKS": "files", "FILES_ROOT": str(root), "FILES_READ_ONLY": "false", "UI_LANGUAGE": "en", **environ}
    async with opened_packs(load(ToolboxSettings, given), registry):
        yield registry


async def done(registry: ToolRegistry, name: str, **arguments: Any) -> Any:
    answer = await registry.call(name, arguments)
    assert not answer.is_error, answer.text
    assert answer.structured is not None
    return answer.structured["result"]


async def refused(registry: ToolRegistry, name: str, **arguments: Any) -> str:
    answer = await registry.call(name, arguments)
    assert answer.is_error, answer.text
    assert "secret" not in answer.text.replace("secret.txt", "")
    return answer.text


async def test_it_is_read_only_unless_the_operator_says_otherwise(root: Path):
    async with tools(root, FILES_READ_ONLY="") as registry:
        assert {tool.name for tool in registry} == READING
        assert all(tool.hints.read_only for tool in registry)
    async with tools(root) as registry:
        assert {tool.name for tool in registry} == READING | WRITING
        destructive = {tool.name for tool in registry if tool.hints.destructive}
        assert destructive == {"replace_file", "edit_file"}


@pytest.mark.parametrize("folder", ["", "/nowhere/at/all", __file__])
def test_the_folder_has_to_be_there(folder: str):
    with pytest.raises(SettingsError, match="FILES_ROOT"):
        from_environment({"TOOL_PACKS": "files", "FILES_ROOT": folder})


async def test_files_are_written_and_read(root: Path):
    async with tools(root) as registry:
        assert await done(registry, "create_file", path="informes/año.txt", text="uno\ndos\ntres") == {
            "path": "informes/año.txt", "bytes": 12,
        }  # fmt: skip
        part = await done(registry, "read_file", path="informes/año.txt", start_line=2, max_lines=1)
        assert part == {"path": "informes/año.txt", "text": "dos", "total_lines": 3, "next_line": 3}
        await done(registry, "edit_file", path="./informes//año.txt", old_text="dos", new_text="2")
        await done(registry, "replace_file", path="informes/año.txt", text="nuevo DOS")
        assert (root / "informes/año.txt").read_text() == "nuevo DOS"
        listed = await done(registry, "list_files", recursive=True)
        assert [(entry["path"], entry["folder"]) for entry in listed["entries"]] == [
            ("informes", True), ("informes/año.txt", False),
        ]  # fmt: skip
        found = await done(registry, "search_files", text="dos", pattern="*.txt")
        assert found == {"matches": [{"path": "informes/año.txt", "line": 1, "text": "nuevo DOS"}], "complete": True}
        assert (await done(registry, "search_files", text="dos", pattern="*.md"))["matches"] == []
    assert os.listdir(root / "informes") == ["año.txt"]  # no part of a file is left


ESCAPES = [
    "/etc/passwd", "//etc/passwd", "../secret.txt", "a/../../secret.txt", "a/b/../../../secret.txt", "..", "../",
    "~/x", "~root/x", "..\\secret.txt", "C:\\x", ".hidden", "a/.git/config", "a\x00b", "a\nb", "\u202egnp.exe",
    "x" * 256, "/".join("d" * 40), "a/..", "./../secret.txt",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("tool", sorted(READING | WRITING))
async def test_no_path_leads_outside(root: Path, path: str, tool: str):
    (root / "a").mkdir()
    more: dict[str, Any] = {
        "read_file": {}, "list_files": {}, "search_files": {"text": "secret"},
        "create_file": {"text": "x"}, "replace_file": {"text": "x"}, "edit_file": {"old_text": "s", "new_text": "x"},
    }[tool]  # fmt: skip
    async with tools(root) as registry:
        await refused(registry, tool, path=path, **more)
    assert (root.parent / "secret.txt").read_text() == "secret"


async def test_no_link_is_followed(root: Path):
    (root / "file").symlink_to(root.parent / "secret.txt")
    (root / "folder").symlink_to(root.parent)
    (root / "inside").mkdir()
    (root / "inside/loop").symlink_to("..")
    (root / "dangling").symlink_to(root.parent / "new.txt")
    async with tools(root) as registry:
        for path in ("file", "folder/secret.txt", "inside/loop/file"):
            await refused(registry, "read_file", path=path)
            await refused(registry, "replace_file", path=path, text="x")
            await refused(registry, "create_file", path=path, text="x")
        await refused(registry, "create_file", path="dangling", text="x")
        await refused(registry, "create_file", path="folder/new.txt", text="x")
        await refused(registry, "list_files", path="folder")
        assert [each["path"] for each in (await done(registry, "list_files", recursive=True))["entries"]] == ["inside"]
        assert (await done(registry, "search_files", text="secret"))["matches"] == []
    assert not (root.parent / "new.txt").exists()
    assert (root.parent / "secret.txt").read_text() == "secret"


async def test_special_files_are_neither_opened_nor_shown(root: Path):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(root, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/socket")
        os.close(directory)
        async with tools(root) as registry:
            for path in ("pipe", "socket"):
                assert "special file" in await refused(registry, "read_file", path=path)
                assert "special file" in await refused(registry, "replace_file", path=path, text="x")
            assert (await done(registry, "list_files"))["entries"] == []
            assert (await done(registry, "search_files", text="x"))["complete"]


async def test_hidden_files_and_names_that_are_no_text_are_not_listed(root: Path):
    (root / ".env").write_text("secret")
    (root / ".git").mkdir()
    (root / ".git/config").write_text("secret")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.txt")).write_text("secret")
    async with tools(root) as registry:
        assert (await done(registry, "list_files", recursive=True))["entries"] == []
        assert (await done(registry, "search_files", text="secret"))["matches"] == []


async def test_accents_and_case(root: Path):
    decomposed = unicodedata.normalize("NFD", "canción.txt")
    (root / decomposed).write_text("la")
    async with tools(root) as registry:
        assert (await done(registry, "list_files"))["entries"][0]["path"] == "canción.txt"
        assert (await done(registry, "read_file", path="canción.txt"))["text"] == "la"
        for same in ("canción.txt", decomposed, "CANCIÓN.TXT", "Canción.txt"):
            assert "already" in await refused(registry, "create_file", path=same, text="x")
        assert "already" in await refused(registry, "create_file", path="Canción.TXT/x", text="x")
        await done(registry, "replace_file", path="canción.txt", text="le")
    assert os.listdir(root) == [decomposed]


async def test_sizes_and_the_quota(root: Path):
    (root / "large.txt").write_text("x" * 101)
    (root / "binary").write_bytes(b"a\x00b")
    (root / "latin").write_bytes("año".encode("latin-1"))
    async with tools(root, FILES_MAX_BYTES="100", FILES_QUOTA_BYTES="250") as registry:
        assert "more than 100 bytes" in await refused(registry, "read_file", path="large.txt")
        for path in ("binary", "latin"):
            assert "no text in UTF-8" in await refused(registry, "read_file", path=path)
        assert "more than 100 bytes" in await refused(registry, "create_file", path="a.txt", text="x" * 101)
        await done(registry, "create_file", path="a.txt", text="x" * 100)
        assert "250 bytes in all" in await refused(registry, "create_file", path="b.txt", text="x" * 100)
        await done(registry, "replace_file", path="a.txt", text="y" * 100)  # it takes no more than it had
        assert not (root / "b.txt").exists()


async def test_what_is_edited_has_to_be_there_once(root: Path):
    (root / "a.txt").write_text("one two one")
    async with tools(root) as registry:
        assert "2 times" in await refused(registry, "edit_file", path="a.txt", old_text="one", new_text="1")
        assert "0 times" in await refused(registry, "edit_file", path="a.txt", old_text="three", new_text="1")
    assert (root / "a.txt").read_text() == "one two one"


async def test_edits_at_the_same_time_all_hold(root: Path):
    words = [f"<{number}>" for number in range(20)]
    (root / "a.txt").write_text("".join(words))
    async with tools(root) as registry:
        edits = [done(registry, "edit_file", path="a.txt", old_text=word, new_text=word[1:-1] + ";") for word in words]
        await asyncio.gather(*edits)
    assert (root / "a.txt").read_text() == "".join(f"{number};" for number in range(20))


async def test_empty_files_and_folders_count_too(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mcp_toolbox.packs.files.folder._MOST_ENTRIES", 5)
    async with tools(root) as registry:
        for path in ("a", "b/c/d"):
            await done(registry, "create_file", path=path, text="")
        await done(registry, "create_file", path="e", text="")
        assert "more than 5 files" in await refused(registry, "create_file", path="f", text="")
        await done(registry, "replace_file", path="e", text="")


async def test_a_replaced_file_keeps_its_permissions(root: Path):
    (root / "a.txt").write_text("x")
    (root / "a.txt").chmod(0o640)
    async with tools(root) as registry:
        await done(registry, "replace_file", path="a.txt", text="y")
    assert (root / "a.txt").stat().st_mode & 0o777 == 0o640


async def test_errors_tell_nothing_of_where_the_folder_is(root: Path):
    async with tools(root, UI_LANGUAGE="es") as registry:
        text = await refused(registry, "read_file", path="nada.txt")
        assert text == "No existe «nada.txt»."
        assert "es una carpeta" in await refused(registry, "read_file", path="")


def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(root: Path):
    """One thread swaps a folder for a link to the outside all the time, while another reads and writes through it."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("secret")
    inside = root / "inside"
    inside.mkdir()
    (inside / "a.txt").write_text("harmless")
    link = root / "link"
    link.symlink_to(outside)
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.is_set():
            for first, second in (("inside", "kept"), ("link", "inside"), ("inside", "link"), ("kept", "inside")):
                os.rename(root / first, root / second)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes | str] = set()
    try:
        with Folder.opened(root, 1000, 10_000) as folder:
            for number in range(2000):
                try:
                    seen.add(folder.read("inside/a.txt"))
                    if number % 20 == 0:
                        folder.replace("inside/a.txt", b"harmless")
                except FileRefused as error:
                    seen.add(error.key)
    finally:
        stopped.set()
        thread.join()
    assert b"secret" not in seen
    assert b"harmless" in seen
    assert {each.name: each.read_text() for each in outside.iterdir()} == {"a.txt": "secret"}


@given(st.text(st.sampled_from("./\\~abcé\x00\u202e "), max_size=30) | st.text(max_size=30))
def test_a_path_that_is_taken_has_only_plain_names(path: str):
    try:
        names = names_of(path)
    except FileRefused:
        return
    for name in names:
        assert name not in ("", ".", "..")
        assert not name.startswith(".")
        assert not set(name) & set("/\\\x00\u202e")
        assert unicodedata.is_normalized("NFC", name)


@pytest.mark.timeout(60)
@given(st.lists(st.sampled_from(["..", ".", "", "up", "file", "/", "a", "~"]), max_size=6))
def test_whatever_path_is_read_the_secret_is_not(parts: list[str]):
    import tempfile

    with tempfile.TemporaryDirectory() as outside:
        root = Path(outside, "root")
        (root / "a").mkdir(parents=True)
        Path(outside, "file").write_text("secret")
        (root / "up").symlink_to("..")
        with Folder.opened(root, 1000, 1000) as folder, suppress(FileRefused):
            assert folder.read("/".join(parts)) != b"secret"
