"""The chat at work: one connection that comes back by itself, what the user types, and Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from service_kit.auth.keys import SUBPROTOCOL, to_subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from agent_websocket.chat.conversation import Conversation, Frame
from agent_websocket.chat.screen import Screen
from agent_websocket.chat.texts import Texts

LEAVE_WORDS = frozenset({"salir", "exit", "quit"})
_FIRST_RETRY_SECONDS = 0.3
_LONGEST_RETRY_SECONDS = 5.0
_LARGEST_FRAME = 64 * 1024 * 1024
_OWN_HOSTS = ("127.0.0.1", "localhost", "::1")  # no proxy of the environment reaches them


class ConnectionRefused(Exception):
    """The service is there and does not want us: a wrong key, a wrong address."""


class Chat:
    """A conversation with the agent at `url`; `wait_for_answers` asks the next question after the last answer."""

    def __init__(
        self, url: str, screen: Screen, texts: Texts, *, key: str | None, language: str, wait_for_answers: bool
    ) -> None:
        self._url = url.rstrip("/")
        self._screen = screen
        self._texts = texts
        self._key = key
        self._language = language
        self._wait_for_answers = wait_for_answers
        self._conversation = Conversation()
        self._connection: ClientConnection | None = None
        self._changed = asyncio.Condition()
        self._greeted_before = False

    async def run(self, typed: AsyncIterator[str]) -> None:
        """Talk until the user leaves; raises ConnectionRefused."""
        link = asyncio.create_task(self._stay_connected())
        talk = asyncio.create_task(self._talk(typed))
        try:
            await asyncio.wait([link, talk], return_when=asyncio.FIRST_COMPLETED)
            if link.done():
                await link
        finally:
            for task in (talk, link):
                task.cancel()
            await asyncio.gather(talk, link, return_exceptions=True)

    def interrupt(self) -> asyncio.Task[None]:
        """Ctrl-C: stop what runs; the program goes on."""
        return asyncio.create_task(self._interrupt())

    async def _interrupt(self) -> None:
        self._screen.typed()
        if self._conversation.runs:
            self._screen.note(self._texts.stopping)
            await self._send([{"type": "cancel"}])
            return
        self._conversation.give_up()
        self._screen.note(self._texts.how_to_leave)
        self._screen.prompt()

    # --- what the user says ---

    async def _talk(self, typed: AsyncIterator[str]) -> None:
        async for line in typed:
            self._screen.typed()
            text = line.strip()
            if text.lower() in LEAVE_WORDS:
                break
            if text:
                await self._send(self._conversation.say(text))
                if self._wait_for_answers:
                    await self._answered()
            elif not self._conversation.busy:
                self._screen.prompt()
        # This conversation cannot be resumed, so a run that goes on would be wasted.
        await self._send([{"type": "cancel", "run_id": run_id} for run_id in self._conversation.runs])

    async def _answered(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._conversation.busy)

    async def _send(self, frames: list[Frame]) -> None:
        if self._connection is None:
            return
        # What a broken connection swallows is sent again over the next one.
        with contextlib.suppress(ConnectionClosed):
            for frame in frames:
                await self._connection.send(json.dumps(frame))

    # --- what the service says ---

    async def _stay_connected(self) -> None:
        wait = _FIRST_RETRY_SECONDS
        said_lost = False
        while True:
            try:
                async with self._connect() as connection:
                    wait, said_lost = _FIRST_RETRY_SECONDS, False
                    await self._listen(connection)
            except InvalidStatus as error:
                if error.response.status_code < 500:
                    raise ConnectionRefused(_reason(error)) from error
            except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake):
                pass
            self._connection = None
            self._conversation.disconnected()
            if not said_lost:
                said_lost = True
                self._screen.note(self._texts.lost)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_RETRY_SECONDS)

    def _connect(self) -> connect:
        offered = [Subprotocol(SUBPROTOCOL), Subprotocol(to_subprotocol(self._key))] if self._key else None
        return connect(
            f"{self._url}/{self._conversation.id}",
            subprotocols=offered,
            additional_headers={"Accept-Language": self._language},
            max_size=_LARGEST_FRAME,
            proxy=None if urlsplit(self._url).hostname in _OWN_HOSTS else True,
            close_timeout=1,
        )

    async def _listen(self, connection: ClientConnection) -> None:
        async for text in connection:
            frame = json.loads(text)
            if frame["type"] == "connected":
                self._connection = connection
                self._welcome(frame)
                await self._send(self._conversation.greeted(frame))
            elif self._connection is None:
                raise ConnectionRefused(frame.get("message", ""))
            elif self._conversation.is_new(frame):
                await self._hear(frame)

    def _welcome(self, greeting: Frame) -> None:
        if self._greeted_before:
            self._screen.note(self._texts.back)
        else:
            self._screen.note(self._texts.welcome.format(url=self._url, tools=len(greeting["tools"])))
        self._greeted_before = True
        if not self._conversation.busy:
            self._screen.prompt()

    async def _hear(self, frame: Frame) -> None:
        was_busy = self._conversation.busy
        if frame["type"] == "error" and frame["code"] == "resume_failed":
            self._screen.note(self._texts.forgotten)
        else:
            self._screen.show(frame)
        await self._send(self._conversation.told(frame))
        if was_busy and not self._conversation.busy:
            self._screen.prompt()
            async with self._changed:
                self._changed.notify_all()


def _reason(error: InvalidStatus) -> str:
    """The message of the envelope with which the service refused, else the status."""
    try:
        body: Any = json.loads(error.response.body or b"")
        return str(body["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.response.status_code}"
