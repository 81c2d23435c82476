"""Every dialect that the gateway serves, and how its clients read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from llm_gateway.answer import Answer
from llm_gateway.dialects import ServerDialect
from llm_gateway.dialects.openai_chat import server as openai_chat
from llm_gateway.types import Event, Request, Result

from tests.llm_gateway import values
from tests.llm_gateway.hourglass.tape import Recording, plain, streamed
from tests.llm_gateway.vendors.openai import OPENAI
from tests.llm_gateway.vendors.vendor import Vendor

ASKED = Request(model="m", messages=(), include_usage=True)


@dataclass(frozen=True)
class Surface:
    """One served dialect. `read` and `read_stream` are its clients' understanding of our bytes; `carried` is what it
    can hold of an answer."""

    name: str
    server: ServerDialect
    read: Callable[[bytes], Result]
    read_stream: Callable[[bytes], Result]
    carried: Callable[[Result], Result]

    def __repr__(self) -> str:
        return self.name

    def rendered(self, result: Result) -> bytes:
        return self.server.render_result(answer_of(result), ASKED)

    def streamed(self, result: Result, events: list[Event]) -> bytes:
        """The stream that a client of ours would be sent."""
        answer = answer_of(result)
        encoder = self.server.stream_encoder(answer.origin, ASKED)
        return encoder.start() + b"".join(encoder.feed([event]) for event in events) + encoder.finish(answer)


def answer_of(result: Result) -> Answer:
    return values.answer(result)


def ours(vendor: Vendor) -> tuple[Callable[[bytes], Result], Callable[[bytes], Result]]:
    """The readers of a dialect that we speak as a client too."""
    whole, events = {"content-type": "application/json"}, {"content-type": vendor.client.STREAM_TYPE}
    return (
        lambda body: plain(vendor.client, Recording(200, whole, (body,)), ASKED, vendor.model),
        lambda body: streamed(vendor.client, Recording(200, events, (body,)), ASKED, vendor.model),
    )


def essence(result: Result) -> Result:
    """What an answer says and used, without who said it under which id."""
    return msgspec.structs.replace(result, model=None, id=None)


_openai_read, _openai_read_stream = ours(OPENAI)

SURFACES = (Surface("chat.completions", openai_chat, _openai_read, _openai_read_stream, lambda result: result),)
