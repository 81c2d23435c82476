"""A server of Gemini's REST API that refuses what Google would refuse."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import msgspec

from ..exchange import Call
from ..fake_provider import FakeProvider
from .behaviors import STREAMED, Fails
from .rules import embedding_mistake, mistake

_PATH = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+):(generateContent|streamGenerateContent|batchEmbedContents)")


class FakeGemini(FakeProvider):
    """Speaks `POST /v1beta/models/{id}:generateContent`, `:streamGenerateContent?alt=sse` and `:batchEmbedContents`."""

    unscripted = Fails(500, "INTERNAL", "not in the script")

    def refusal(self, call: Call) -> Fails | None:
        """Returns Google's error for a request that it would refuse, or None."""
        query = parse_qs(call.query)
        key = call.headers.get("x-goog-api-key") or query.get("key", [""])[0]
        if not key:
            return Fails(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        if self.keys and key not in self.keys:
            return Fails(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        found = _PATH.fullmatch(call.path)
        if found is None:
            return Fails(404, "NOT_FOUND", f"{call.path} is not found for API version v1beta.")
        wrong = _wrong(call, found[1], found[2], query)
        if wrong is None:
            return None
        self.mistake(wrong)
        return Fails(400, "INVALID_ARGUMENT", wrong)


def _wrong(call: Call, model: str, method: str, query: dict[str, list[str]]) -> str | None:
    if call.path.endswith(STREAMED) and query.get("alt") != ["sse"]:
        return "this fake streams server-sent events alone: alt=sse"
    try:
        body = call.body
    except msgspec.DecodeError as error:
        return f"Invalid JSON payload received. {error}"
    return embedding_mistake(body, model) if method == "batchEmbedContents" else mistake(body, model)
