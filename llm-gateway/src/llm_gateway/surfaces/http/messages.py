"""Anthropic's surface beside its dialect: what depends on the catalog, and the counting of tokens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from service_kit.errors import ApiError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llm_gateway.canonical import Image, Request
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.canonical.estimate import estimated_usage
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.dialects.anthropic.server import AnthropicServer
from llm_gateway.dialects.protocols import StreamEncoder
from llm_gateway.errors import InvalidRequest
from llm_gateway.pipeline.caller import ClientGone
from llm_gateway.routing.system_prompt import instructed
from llm_gateway.surfaces.http.exchange import language_of
from llm_gateway.surfaces.http.request_body import read_body

_dialect = AnthropicServer()

MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 1600
"""What a large image costs with Anthropic, and the most that one does with the models up to 4.6."""


class MessagesDialect:
    """The server dialect, which lets tools that Anthropic runs itself (web search and so on) through to Anthropic
    alone; for any other provider they are a 400 that names them."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def parse_request(self, body: bytes) -> Request:
        request = _dialect.parse_request(body)
        if "tools" in request.extra:
            self._check_served(request)
        return request

    def _check_served(self, request: Request) -> None:
        asked = self._catalog().route(request.model, request.provider).targets[0]
        if asked.endpoint.dialect != _dialect.name:
            kinds = ", ".join(str(tool["type"])[:80] for tool in request.extra["tools"])
            raise InvalidRequest(
                f"tools: {asked.name} has no tools of its own: {kinds}", param="tools", code="unsupported_parameter"
            )

    def render_result(self, answer: Answer, request: Request) -> bytes:
        return _dialect.render_result(answer, request)

    def stream_encoder(self, answered_by: AnsweredBy, request: Request) -> StreamEncoder:
        return _dialect.stream_encoder(answered_by, request)

    def render_error(self, error: ApiError, request_id: str) -> bytes:
        return _dialect.render_error(error, request_id)


class CountTokens:
    """`POST /v1/messages/count_tokens`: an estimate of ours for any model; no provider is asked.

    About four characters are a token, and an image is the most that one can cost: good enough to see that a prompt
    fits, too rough to tell a bill.
    """

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        try:
            answer = Response(self._counted(body), media_type="application/json")
        except ApiError as error:
            error = error.told_in(language_of(scope, for_people=False))
            rendered = _dialect.render_error(error, scope["state"]["request_id"])
            answer = Response(rendered, error.status, error.headers(), "application/json")
        await answer(scope, receive, send)

    def _counted(self, body: bytes) -> bytes:
        request = _dialect.parse_count(body)
        model = self._catalog().resolve(request.model or self._catalog().default)
        if model.system_prompt is not None:
            request = instructed(request, model.system_prompt)
        return msgspec.json.encode({"input_tokens": estimated_input(request)})


def estimated_input(request: Request) -> int:
    """About how many tokens a prompt has, its tools and images included."""
    images = sum(isinstance(part, Image) for message in request.messages for part in message.content)
    tools = len(msgspec.json.encode(request.tools)) if request.tools else 0
    return estimated_usage(request, 0).prompt_tokens + images * _TOKENS_PER_IMAGE + -(-tools // _CHARACTERS_PER_TOKEN)
