"""One client of a server, from start to end, in one task: the SDK's cancel scopes must be left in the task that entered
them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
from mcp import Client, MCPError, types
from mcp.client._transport import ReadStream, TransportStreams
from mcp.client.session import ElicitationFnT
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from service_kit.background import Wakeup

from mcp_toolbox.registry.origin import LISTED_BY
from mcp_toolbox.upstream.errors import UpstreamUnavailable
from mcp_toolbox.upstream.normalize import normalized
from mcp_toolbox.upstream.transport import Transport

_MAX_PAGES = 100
_RELIST_SECONDS = 60.0
_LISTEN_PAUSE_SECONDS = 5.0
_SETTLE_SECONDS = 0.1
"""Changes that follow one another within this time cost one list."""

_LIST_CHANGED = (
    types.ToolListChangedNotification,
    types.ResourceListChangedNotification,
    types.PromptListChangedNotification,
)

Listed = Callable[[Client, list[types.Tool]], Awaitable[None]]
"""Called with the tools after the first list, and after each later one."""

_NoteEnd = Callable[[], None]
_NoteProblems = Callable[[list[str]], None]


class Connection:
    """A client over `transport`. `live` runs it; `wake` makes it check its server at once.

    `list_seconds` is the limit of a later list. `busy` tells whether calls are running. `answered` answers the server's
    questions to persons; None means that it is told not to ask any. `toolbox` is the id of this toolbox, which its
    lists name. `problems` describes what was wrong with the last list.
    """

    def __init__(
        self,
        transport: Transport,
        listed: Listed,
        list_seconds: float,
        busy: Callable[[], bool],
        answered: ElicitationFnT | None = None,
        toolbox: str = "",
    ) -> None:
        self._meta: Any = {LISTED_BY: toolbox}
        self._transport = transport
        self._listed = listed
        self._list_seconds = list_seconds
        self._busy = busy
        self._answered = answered
        self._wake = Wakeup()
        transport.doubt = self._wake.set
        self._ended = False
        self._calls = 0
        self._idle = Wakeup()
        self.problems: list[str] = []

    def wake(self) -> None:
        """Asks for a list now: the tools may have changed, or the server may have left."""
        self._wake.set()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Counts a call that runs over this connection until the block ends."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def drained(self, seconds: float) -> None:
        """Waits until no call runs over this connection, for at most `seconds`."""
        if self._calls:
            self._idle.clear()
            await self._idle.wait(seconds)

    def end(self) -> None:
        """Ends the connection: its session is known to be gone."""
        self._transport.lost.set()

    async def live(self) -> None:
        """Connects, lists the tools, and lists them again from time to time until the server leaves.

        Raises:
            UpstreamUnavailable: the server has left, or no longer answers.
            Exception: what the SDK raises if a server cannot be reached or does not speak MCP.
        """
        transport = _Observed(self._transport.open(), self._note_end, self.problems.extend)
        client = Client(transport, message_handler=self._heard, elicitation_callback=self._answered, cache=None)
        async with client:
            await self._listed(client, await self._list(client))
            async with anyio.create_task_group() as tasks:
                if _announces_changes(client):
                    tasks.start_soon(self._listen, client)
                await self._stay(client)

    async def _stay(self, client: Client) -> None:
        while True:
            await self._wake.wait(_RELIST_SECONDS)
            if not self._ended:
                await asyncio.sleep(_SETTLE_SECONDS)
            self._wake.clear()
            if self._ended:
                raise UpstreamUnavailable("closed the connection")
            try:
                async with asyncio.timeout(self._list_seconds):
                    tools = await self._list(client)
            except TimeoutError:
                if self._busy():  # it may still finish its running calls
                    continue
                raise UpstreamUnavailable("does not answer any more") from None
            await self._listed(client, tools)

    async def _list(self, client: Client) -> list[types.Tool]:
        self.problems.clear()
        tools: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = await client.list_tools(cursor=cursor, meta=self._meta, cache_mode="bypass")
            tools += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return tools

    async def _listen(self, client: Client) -> None:
        """Listens for changes on the stream that some revisions have for them; with others only the regular list finds
        them."""
        while True:
            with contextlib.suppress(MCPError, SubscriptionLost, TimeoutError, anyio.ClosedResourceError):
                async with client.listen(
                    tools_list_changed=True, resources_list_changed=True, prompts_list_changed=True
                ) as subscription:
                    async for _ in subscription:
                        self.wake()
            await anyio.sleep(_LISTEN_PAUSE_SECONDS)

    async def _heard(self, message: Any) -> None:
        if isinstance(message, _LIST_CHANGED):
            self.wake()

    def _note_end(self) -> None:
        self._ended = True
        self._wake.set()


def _announces_changes(client: Client) -> bool:
    offered = client.server_capabilities
    lists = (offered.tools, offered.resources, offered.prompts)
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS and any(each and each.list_changed for each in lists)


@asynccontextmanager
async def _observed(streams: Any, note_end: _NoteEnd, note_problems: _NoteProblems) -> AsyncIterator[TransportStreams]:
    async with streams as (incoming, outgoing):
        observed = _Incoming(incoming, note_end, note_problems)
        yield cast("ReadStream[SessionMessage | Exception]", observed), outgoing


class _Observed:
    """A transport whose end is noted, because an idle client would not notice it, and whose lists of tools are
    normalized."""

    def __init__(self, streams: Any, note_end: _NoteEnd, note_problems: _NoteProblems) -> None:
        self._streams = _observed(streams, note_end, note_problems)

    async def __aenter__(self) -> TransportStreams:
        return await self._streams.__aenter__()

    async def __aexit__(self, *exc: Any) -> bool | None:
        return await self._streams.__aexit__(*exc)


class _Incoming:
    """The stream of incoming messages of such a transport, with the methods that the SDK uses."""

    def __init__(self, stream: Any, note_end: _NoteEnd, note_problems: _NoteProblems) -> None:
        self._stream = stream
        self._note_end = note_end
        self._note_problems = note_problems

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> _Incoming:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> bool | None:
        return await self._stream.__aexit__(*exc)

    def __aiter__(self) -> _Incoming:
        return self

    async def __anext__(self) -> Any:
        try:
            item = await self._stream.__anext__()
        except (StopAsyncIteration, anyio.ClosedResourceError):
            self._note_end()
            raise
        if isinstance(item, SessionMessage):
            self._note_problems(normalized(item.message))
        return item
