"""The edge for calls that do not come over HTTP/1.1: the same keys, from metadata.

Hosts and origins are not checked there: no page can make such a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from service_kit.auth.principal import UNAUTHENTICATED, Principal
from service_kit.auth.wrong_keys import WrongKeys
from service_kit.edge.checks import WRONG_KEY, credentials, single_fields
from service_kit.edge.policy import Policy
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError
from service_kit.ids import request_id
from service_kit.telemetry.refusals import Refusals


@dataclass(frozen=True)
class MetadataRequest:
    """A call as its metadata shows it; `client` is the caller's address."""

    id: str
    headers: list[tuple[bytes, bytes]]
    client: str

    @staticmethod
    def of(metadata: Iterable[tuple[str, str | bytes]], peer: str) -> MetadataRequest:
        """Returns the call with this metadata; `peer` is written as gRPC does, `ipv4:127.0.0.1:50123`."""
        headers = [
            (name.lower().encode(), value if isinstance(value, bytes) else value.encode("utf-8"))
            for name, value in metadata
        ]
        given = dict(headers).get(b"x-request-id")
        address = peer.partition(":")[2].rpartition(":")[0] or peer
        return MetadataRequest(request_id(given.decode("latin-1") if given else None), headers, address)


class MetadataEdge:
    """Authenticates calls under a `Policy`. `refusals` counts wrong keys, whose answers are delayed."""

    def __init__(self, policy: Policy, refusals: Refusals) -> None:
        self._policy = policy
        self._refusals = refusals
        self._wrong_keys = WrongKeys()

    async def principal(self, request: MetadataRequest) -> Principal:
        """Returns the principal of a call.

        Raises:
            ApiError: 401 `missing_api_key` or `invalid_api_key`, 400 `repeated_header`.
        """
        state = {"principal": self._policy.anonymous or UNAUTHENTICATED}
        scope = {
            "type": "http", "method": "POST", "path": "", "headers": request.headers, "state": state,
            "client": (request.client, 0),
        }  # fmt: skip
        seen = EdgeRequest(self._policy, scope)
        try:
            await single_fields(seen)
            await credentials(seen)
        except ApiError as refusal:
            if refusal.code == WRONG_KEY:
                self._refusals.count(WRONG_KEY, seen.client)
                await asyncio.sleep(self._wrong_keys.count(seen.client))
            raise
        return state["principal"]
