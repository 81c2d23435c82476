"""The chat for a terminal: as a real process on a real terminal, and its parts."""

import asyncio
import io
import os
import pty
import sys

import pytest
from agent_core.events import Token, ToolCall, ToolResult
from agent_websocket.chat.conversation import Conversation
from agent_websocket.chat.screen import Screen
from agent_websocket.chat.texts import texts
from agent_websocket.testing import ScriptedAgent, begin, echo, finish

from tests.waiting import eventually

_PATIENCE = 40.0

CHAT = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the pseudo-terminal is the one whose Ctrl-C reaches the process
runpy.run_module("agent_websocket.chat", run_name="__main__", alter_sys=True)
"""


class Terminal:
    """The chat in a process of its own, on a pseudo-terminal."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self.text = ""
        self._master = master
        self._seen = 0
        asyncio.get_running_loop().add_reader(master, self._read)

    @classmethod
    async def of(cls, url: str, *arguments: str, **environ: str):
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHAT, "--url", url, *arguments,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "UI_LANGUAGE": "es", **environ},
        )  # fmt: skip
        os.close(slave)
        return cls(process, master)

    def _read(self) -> None:
        try:
            chunk = os.read(self._master, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._master)
        self.text += chunk.decode(errors="replace")

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def shows(self, text: str) -> str:
        """Wait for `text` after what was waited for before; what stood before it."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while (found := self.text.find(text, self._seen)) < 0:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{text!r} is not in {self.text[self._seen :]!r}") from None
        before, self._seen = self.text[self._seen : found], found + len(text)
        return before

    async def ends(self) -> int:
        async with asyncio.timeout(_PATIENCE):
            return await self.process.wait()

    def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)


@pytest.fixture
async def terminal_of():
    opened = []

    async def open_(*arguments, **environ):
        opened.append(await Terminal.of(*arguments, **environ))
        return opened[-1]

    yield open_
    for terminal in opened:
        terminal.close()
        await terminal.process.wait()


async def with_a_tool(request, emit):
    begin(request, emit)
    emit(ToolCall(run_id=request.run_id, id="1", tool="add", args={"a": 10, "b": 5}))
    emit(ToolResult(run_id=request.run_id, id="1", tool="add", result="15", duration_ms=2.0, is_error=False))
    emit(Token(run_id=request.run_id, content="Son 15."))
    finish(request, emit, "Son 15.")


async def endless(request, emit):
    if request.input == "rápido":
        return await echo(request, emit)
    begin(request, emit)
    while True:
        emit(Token(run_id=request.run_id, content="otra vez "))
        await asyncio.sleep(0.05)


async def test_a_chat_from_beginning_to_end(stage_of, terminal_of):
    async with stage_of(ScriptedAgent(with_a_tool)) as stage:
        terminal = await terminal_of(stage.socket_url())
        await terminal.shows("tú> ")
        assert "1 herramientas" in terminal.text
        terminal.type("suma 10 y 5\n")
        await terminal.shows("add(a=10, b=5)")
        await terminal.shows("= 15")
        answer = await terminal.shows("scripted")
        assert answer.count("Son 15.") == 1
        await terminal.shows("tú> ")
        terminal.type("SALIR\n")
        await terminal.shows("Hasta luego.")
        assert await terminal.ends() == 0
    assert [request.input for request in stage.agent.requests] == ["suma 10 y 5"]
    assert stage.agent.requests[0].language == "es"


async def test_ctrl_c_stops_the_run_and_not_the_program_and_ctrl_d_leaves(stage_of, terminal_of):
    async with stage_of(ScriptedAgent(endless)) as stage:
        terminal = await terminal_of(stage.socket_url(), "--language", "en")
        await terminal.shows("you> ")
        terminal.type("begin\n")
        await terminal.shows("otra vez otra vez")
        terminal.type("\x03")
        await terminal.shows("Stopped.")
        await terminal.shows("you> ")
        assert len(stage.agent.cancelled) == 1
        terminal.type("\x03")
        await terminal.shows("Nothing is running")
        await terminal.shows("you> ")
        terminal.type("rápido\n")
        await terminal.shows("scripted")
        await terminal.shows("you> ")
        terminal.type("\x04")
        await terminal.shows("Goodbye.")
        assert await terminal.ends() == 0


async def test_leaving_in_the_middle_stops_the_run(stage_of, terminal_of):
    async with stage_of(ScriptedAgent(endless)) as stage:
        terminal = await terminal_of(stage.socket_url())
        await terminal.shows("tú> ")
        terminal.type("empieza\n")
        await terminal.shows("otra vez")
        terminal.type("exit\n")
        assert await terminal.ends() == 0
        await eventually(lambda: stage.agent.cancelled)


async def test_a_service_that_restarts_is_found_again(stage_of, terminal_of):
    async with stage_of() as first:
        port = int(first.url.rpartition(":")[2])
        terminal = await terminal_of(first.socket_url())
        await terminal.shows("tú> ")
    await terminal.shows("reconectando")
    terminal.type("mientras tanto\n")
    async with stage_of(server={"port": port}) as second:
        await terminal.shows("Reconectado.")
        await terminal.shows("mientras tanto")
        await terminal.shows("scripted")
        terminal.type("quit\n")
        assert await terminal.ends() == 0
    assert [request.input for request in second.agent.requests] == ["mientras tanto"]


async def test_a_wrong_key_is_said_and_ends_the_program(stage_of, terminal_of):
    async with stage_of(AUTH_MODE="keys", API_KEYS="right-key") as stage:
        terminal = await terminal_of(stage.socket_url(), AGENT_API_KEY="wrong")
        await terminal.shows("no acepta la conexión")
        assert await terminal.ends() == 1
        terminal = await terminal_of(stage.socket_url(), AGENT_API_KEY="right-key")
        await terminal.shows("tú> ")
        terminal.type("\x04")
        assert await terminal.ends() == 0


async def test_questions_from_a_pipe_are_answered_one_after_another(stage):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent_websocket.chat", "--url", stage.socket_url(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    async with asyncio.timeout(_PATIENCE):
        output, _ = await process.communicate("uno\n\ndos sin fin de línea".encode())
    assert process.returncode == 0
    assert [request.input for request in stage.agent.requests] == ["uno", "dos sin fin de línea"]
    text = output.decode()
    assert text.index("uno") < text.index("dos sin fin")
    assert "\x1b" not in text and "tú> " not in text


# --- its parts ---


def screen(language: str = "es"):
    out = io.StringIO()
    return Screen(out, texts(language), prompts=False), out


def test_what_a_terminal_would_obey_is_left_out():
    shown, out = screen()
    shown.show({"type": "token", "content": "a\x1b[2J\x9bb\u202ec\r\nd\te"})
    shown.show({"type": "error", "message": "\x1b]0;x\x07", "code": "c"})
    shown.show({"type": "tool_call", "tool": "t", "args": "\x1b[0m not json"})
    assert not set(out.getvalue()) & {"\x1b", "\x9b", "\x07", "\r", "\u202e"}
    assert "a[2Jbc\nd\te" in out.getvalue()


def test_an_answer_that_did_not_stream_is_shown_whole_and_a_fallback_is_marked():
    shown, out = screen("en")
    shown.show(
        {
            "type": "response", "content": "56", "model": "offline", "provider": "offline", "cost_usd": 0,
            "fallback_from": "gemini-pro", "usage": {"total_tokens": 9}, "latency_ms": 1200,
        }
    )  # fmt: skip
    lines = out.getvalue().splitlines()
    assert lines == ["56", "offline (offline planner) instead of gemini-pro · 9 tokens · free · 1.2 s"]


def greeting(last_seq: int, epoch: str = "e"):
    return {"type": "connected", "last_seq": last_seq, "epoch": epoch}


def event(kind: str, seq: int, run_id: str | None = "r"):
    return {"type": kind, "seq": seq, "run_id": run_id}


def message(text: str):
    return {"type": "message", "content": text}


def test_what_was_said_too_early_is_sent_with_the_greeting():
    conversation = Conversation()
    assert conversation.say("a") == []
    assert conversation.greeted(greeting(0)) == [message("a")]
    assert conversation.say("b") == [message("b")]


def test_after_a_drop_only_what_was_not_taken_is_sent_again_and_only_once_caught_up():
    conversation = Conversation()
    conversation.greeted(greeting(0))
    conversation.say("a")
    conversation.say("b")
    conversation.say("c")
    conversation.told(event("start", 1, "r1"))
    conversation.disconnected()
    assert conversation.greeted(greeting(3)) == [{"type": "resume", "after": 1, "epoch": "e"}]
    assert not conversation.is_new(event("start", 1, "r1"))
    assert conversation.told(event("queued", 2, "r2")) == []
    assert conversation.told(event("complete", 3, "r1")) == [message("c")]
    assert conversation.runs == {"r2"}


def test_a_service_that_forgot_gets_everything_untaken_again_after_its_snapshot():
    conversation = Conversation()
    conversation.greeted(greeting(0))
    conversation.told(event("start", 1))
    conversation.say("a")
    conversation.disconnected()
    assert conversation.greeted(greeting(0, "new")) == [{"type": "resume", "after": 1, "epoch": "e"}]
    snapshot = {"type": "snapshot", "run_id": None, "running": False, "last_seq": 0, "events": []}
    assert conversation.told(snapshot) == [message("a")]
    assert conversation.is_new(event("start", 1, "r2"))
    conversation.told(event("start", 1, "r2"))
    assert conversation.runs == {"r2"}


def test_a_refused_message_is_no_longer_waited_for():
    conversation = Conversation()
    conversation.greeted(greeting(0))
    conversation.say("a")
    assert conversation.busy
    conversation.told(event("error", 1, None))
    assert not conversation.busy
