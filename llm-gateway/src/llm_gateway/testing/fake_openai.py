"""The server that plays the behaviours, and refuses what OpenAI would refuse."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec
from starlette.types import Receive, Scope, Send

from .behaviours import Behaviour, Fails
from .exchange import Call, Exchange

PATH = "/v1/chat/completions"

_REQUIRED = {"model", "messages"}
_ALLOWED = _REQUIRED | {
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
    "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
}  # fmt: skip


class FakeOpenAI:
    """An ASGI application that plays one behaviour a request, in order; then `always`, if there is one.

    `keys` are the API keys that it takes; any, when there is none.
    """

    def __init__(self, *script: Behaviour, always: Behaviour | None = None, keys: Sequence[str] = ()) -> None:
        self.calls: list[Call] = []
        self._script = deque(script)
        self._always = always
        self._keys = keys
        self._arrived = asyncio.Condition()
        self._mistakes: list[str] = []

    def then(self, *script: Behaviour) -> None:
        """Add to the script."""
        self._script.extend(script)

    def check(self) -> None:
        """Raises AssertionError for what was asked beyond the script, or never asked."""
        left = [type(behaviour).__name__ for behaviour in self._script]
        if self._mistakes or left:
            raise AssertionError(f"mistakes: {self._mistakes}; never played: {left}")

    async def call(self, number: int = 0) -> Call:
        """Call `number`, as soon as it has arrived."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) > number)
        return self.calls[number]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        call = Call(scope, await _whole_body(receive))
        async with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        playing = asyncio.ensure_future(self._behaviour(call).play(Exchange(call, send)))
        leaving = asyncio.ensure_future(_departure(receive))
        await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not call.answered.is_set() and leaving.done():
            call.left.set()
        leaving.cancel()
        if not playing.done():
            playing.cancel()
            return None
        return playing.result()  # a cut is an exception here, at which the server drops the connection

    def _behaviour(self, call: Call) -> Behaviour:
        refusal = self._refusal(call)
        if refusal is not None:
            return refusal
        if self._script:
            return self._script.popleft()
        if self._always is None:
            self._mistakes.append(f"request {len(self.calls)} is not in the script")
            return Fails(500, "not_in_the_script")
        return self._always

    def _refusal(self, call: Call) -> Fails | None:
        """What OpenAI itself would say to this request, if it would not take it."""
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        if self._keys and key not in self._keys:
            return Fails(401, "invalid_api_key", f"Incorrect API key provided: {key}.")
        if call.path != PATH:
            return Fails(404, None, f"Invalid URL ({call.path})")
        mistake = _mistake(call.raw)
        if mistake is None:
            return None
        self._mistakes.append(mistake)
        return Fails(400, None, mistake)


def _mistake(raw: bytes) -> str | None:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        return f"We could not parse the JSON body of your request: {error}"
    missing, unknown = sorted(_REQUIRED - set(body)), sorted(set(body) - _ALLOWED)
    if missing:
        return f"you must provide a {missing[0]} parameter"
    if unknown:
        return f"Unrecognized request argument supplied: {', '.join(unknown)}"
    open_calls: set[str] = set()
    for number, message in enumerate(body["messages"]):
        if message.get("role") not in ("system", "developer", "user", "assistant", "tool"):
            return f"Invalid value: {message.get('role')!r} at messages[{number}].role"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return f"messages[{number}] with role 'tool' must answer a preceding 'tool_calls'"
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            return f"tool_calls without an answer: {', '.join(sorted(open_calls))}"
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
    return None


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    for _ in range(2):
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
