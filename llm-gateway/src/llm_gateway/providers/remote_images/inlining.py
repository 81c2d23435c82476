"""A provider around another one: images that it takes only as bytes are fetched for it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import msgspec
from service_kit.telemetry.logs import get_logger

from llm_gateway.canonical import Event, Image, Message, Part, Request, Result
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.providers import Provider
from llm_gateway.providers.remote_images.fetching import ImageFetcher, NotFetched

_log = get_logger(__name__)

_MOST_IMAGES = 20
_MOST_AT_ONCE = 4
_NEEDS_BYTES = "image_url_unsupported"


class InlinedImages:
    """`inner`, asked a second time with the images themselves when its dialect refuses their addresses.

    The dialect refuses before anything is sent, and knows which of its models read addresses themselves.
    """

    def __init__(self, inner: Provider, fetcher: ImageFetcher) -> None:
        self._inner = inner
        self._fetcher = fetcher

    async def complete(self, request: Request, model: Model) -> Result:
        try:
            return await self._inner.complete(request, model)
        except InvalidRequest as error:
            if error.code != _NEEDS_BYTES:
                raise
        return await self._inner.complete(await self._inlined(request), model)

    def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        linked = any(_is_linked(part) for message in request.messages for part in message.content)
        return self._stream(request, model) if linked else self._inner.stream(request, model)

    async def _stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        try:
            async with aclosing(cast("AsyncGenerator[list[Event]]", self._inner.stream(request, model))) as events:
                async for batch in events:
                    yield batch
            return
        except InvalidRequest as error:
            if error.code != _NEEDS_BYTES:
                raise
        inlined = await self._inlined(request)
        async with aclosing(cast("AsyncGenerator[list[Event]]", self._inner.stream(inlined, model))) as events:
            async for batch in events:
                yield batch

    def carries(self, model: Model) -> frozenset[str]:
        return self._inner.carries(model)

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return self._inner.dropped(request, model)

    async def _inlined(self, request: Request) -> Request:
        """Returns `request` with every image in it.

        Raises:
            InvalidRequest: one cannot be had; names its message.
        """
        first_places: dict[str, int] = {}
        for number, message in enumerate(request.messages):
            for part in message.content:
                if isinstance(part, Image) and part.url is not None:
                    first_places.setdefault(part.url, number)
        if len(first_places) > _MOST_IMAGES:
            raise InvalidRequest(
                f"messages: at most {_MOST_IMAGES} images are fetched for one request", param="messages", code=_FAILED
            )
        images = await self._fetched(first_places)
        return msgspec.structs.replace(
            request, messages=tuple(_with_images(message, images) for message in request.messages)
        )

    async def _fetched(self, places: dict[str, int]) -> dict[str, Image]:
        """Returns the images by their addresses; the first failure ends the others."""
        few = asyncio.Semaphore(_MOST_AT_ONCE)

        async def one(url: str, number: int) -> Image:
            try:
                async with few:
                    fetched = await self._fetcher.fetch(url)
            except NotFetched as failure:
                _log.warning("image not fetched", reason=failure.detail)
                raise InvalidRequest(
                    f"messages[{number}]: the image could not be fetched: {failure.reason}",
                    param=f"messages[{number}]",
                    code=_FAILED,
                ) from failure
            return Image(data=base64.b64encode(fetched.data).decode(), media_type=fetched.media_type)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {url: group.create_task(one(url, number)) for url, number in places.items()}
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return {url: task.result() for url, task in tasks.items()}


_FAILED = "image_fetch_failed"


def _is_linked(part: Part) -> bool:
    return isinstance(part, Image) and part.url is not None


def _with_images(message: Message, images: dict[str, Image]) -> Message:
    if not any(_is_linked(part) for part in message.content):
        return message
    return msgspec.structs.replace(message, content=tuple(_with_image(part, images) for part in message.content))


def _with_image(part: Part, images: dict[str, Image]) -> Part:
    if not isinstance(part, Image) or part.url is None:
        return part
    image = images[part.url]
    return msgspec.structs.replace(part, url=None, data=image.data, media_type=image.media_type)
