"""A server of Messages that refuses what Anthropic would refuse."""

from __future__ import annotations

from ..exchange import Call
from ..fake_provider import FakeProvider
from .behaviors import Fails
from .rules import mistake_in

MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"

_VERSIONS = ("2023-06-01", "2026-10-21")


class FakeAnthropic(FakeProvider):
    """Speaks `POST /v1/messages` and `POST /v1/messages/count_tokens`."""

    unscripted = Fails(500, message="not in the script")

    def refusal(self, call: Call) -> Fails | None:
        """Returns Anthropic's error for a request that it would refuse, or None."""
        if call.path not in (MESSAGES, COUNT_TOKENS):
            return Fails(404, message="Not Found")
        key = call.headers.get("x-api-key") or call.headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            return Fails(401, message="x-api-key header is required")
        if self.keys and key not in self.keys:
            return Fails(401, message="invalid x-api-key")
        mistake = self._mistake(call)
        if mistake is None:
            return None
        self.mistake(mistake)
        return Fails(400, message=mistake)

    @staticmethod
    def _mistake(call: Call) -> str | None:
        version = call.headers.get("anthropic-version")
        if version not in _VERSIONS:
            return f"anthropic-version: {version!r} is not a valid version" if version else "anthropic-version: missing"
        return mistake_in(call.raw, version, counting=call.path == COUNT_TOKENS)
