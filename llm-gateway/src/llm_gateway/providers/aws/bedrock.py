"""Bedrock as a provider: requests signed with AWS's Signature Version 4, or sent with a Bedrock API key.

Imports botocore, and is imported only where AWS is configured.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast

from botocore.auth import SigV4Auth
from botocore.credentials import ReadOnlyCredentials

from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Event, Request, Result
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.net.target import target_of
from llm_gateway.net.transport import Transport
from llm_gateway.providers.aws.credentials import AwsCredentials
from llm_gateway.providers.embeddings import HttpEmbedder
from llm_gateway.providers.http import HttpProvider

_SERVICE = "bedrock"


class _Headers(dict[str, str]):
    """Headers as botocore reads them while it signs."""

    def get_all(self, name: str) -> list[str]:
        return [self[name]]


class _Post:
    """A request with what botocore reads of one; its own class costs a third of a signature."""

    __slots__ = ("body", "context", "headers", "method", "params", "url")

    def __init__(self, url: str, headers: _Headers, body: bytes) -> None:
        self.method = "POST"
        self.url = url
        self.params: dict[str, str] = {}
        self.headers = headers
        self.body = body
        self.context: dict[str, Any] = {}


class _Auth(SigV4Auth):
    """botocore's signer, which here remembers the key of the day and the headers of a request, and signs all of them:
    left to itself it takes twice the time."""

    def __init__(self, credentials: ReadOnlyCredentials, region: str) -> None:
        super().__init__(credentials, _SERVICE, region)
        self._day = ""
        self._key = b""

    def headers_to_sign(self, request: Any) -> Any:
        found = request.context.get("headers")
        if found is None:
            found = _Headers((name.lower(), value) for name, value in request.headers.items())
            request.context["headers"] = found
        return found

    def signature(self, string_to_sign: str, request: Any) -> Any:
        day = request.context["timestamp"][:8]
        if day != self._day:
            key = f"AWS4{self.credentials.secret_key}".encode()
            for step in (day, self._region_name, self._service_name, "aws4_request"):
                key = self._sign(key, step)
            self._day, self._key = day, key
        return self._sign(self._key, string_to_sign, hex=True)


class AwsSigner:
    """Signs requests to Bedrock in one region with whatever credentials there are now."""

    def __init__(self, credentials: AwsCredentials, region: str) -> None:
        self._credentials = credentials
        self._region = region
        self._auth: _Auth | None = None

    async def __call__(self, endpoint: Endpoint, url: str, body: bytes) -> Mapping[str, str]:
        """Returns the headers for `body`, which goes to `url` as it is written here.

        Raises:
            UpstreamCredentials: there are no credentials.
        """
        if endpoint.headers.get("authorization"):
            return endpoint.headers  # a Bedrock API key, which needs no signature
        return {**endpoint.headers, **self.signed(await self._credentials.current(), url, body)}

    def signed(self, credentials: ReadOnlyCredentials, url: str, body: bytes) -> dict[str, str]:
        """Returns the headers that sign a POST of `body` to `url` at this moment."""
        auth = self._auth
        if auth is None or auth.credentials is not credentials:
            auth = self._auth = _Auth(credentials, self._region)
        # The host as the transport writes it: with the port wherever the address has one.
        headers = _Headers({"content-type": "application/json", "host": target_of(url).authority})
        auth.add_auth(_Post(url, headers, body))
        del headers["host"]  # which the transport writes
        return headers


class BedrockProvider(HttpProvider):
    """Calls Converse over the gateway's transport. Credentials that AWS refuses are looked for anew."""

    def __init__(self, transport: Transport, credentials: AwsCredentials, region: str) -> None:
        super().__init__(BedrockClient(), transport, sign=AwsSigner(credentials, region))
        self._credentials = credentials

    async def complete(self, request: Request, model: Model) -> Result:
        with self._credentials.doubted():
            return await super().complete(request, model)

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        stream = cast("AsyncGenerator[list[Event]]", super().stream(request, model))
        async with aclosing(stream):  # closing this generator hangs up upstream at once
            with self._credentials.doubted():
                async for events in stream:
                    yield events


class BedrockEmbedder(HttpEmbedder):
    """Embeddings by InvokeModel."""

    def __init__(self, transport: Transport, credentials: AwsCredentials, region: str) -> None:
        super().__init__(BedrockClient(), transport, sign=AwsSigner(credentials, region))
        self._credentials = credentials

    async def embed(self, request: EmbeddingRequest, model: Model) -> EmbeddingResult:
        with self._credentials.doubted():
            return await super().embed(request, model)
