"""A server of Bedrock's runtime API that refuses what Bedrock would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from ..behaviors import Behavior
from ..exchange import Call
from ..fake_provider import FakeProvider
from .behaviors import Fails
from .rules import mistake_in
from .signatures import Secret, objection

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke)")


class FakeBedrock(FakeProvider):
    """Speaks `/model/{id}/converse`, `/converse-stream` and `/invoke`.

    `credentials` are the access keys that may sign, `keys` the Bedrock API keys (bearer tokens) that are valid; without
    either, any request is accepted.
    """

    unscripted = Fails("InternalServerException", "not in the script")

    def __init__(
        self,
        *script: Behavior,
        always: Behavior | None = None,
        keys: Sequence[str] = (),
        credentials: Mapping[str, Secret] | None = None,
    ) -> None:
        super().__init__(*script, always=always, keys=keys)
        self.credentials = dict(credentials or {})

    def refusal(self, call: Call) -> Behavior | None:
        """Returns Bedrock's error for a request that it would refuse, or None."""
        refused = self._who(call)
        if refused is not None:
            return refused
        found = _PATH.fullmatch(call.raw_path)
        if found is None:
            return Fails("UnknownOperationException", f"no such operation: {call.raw_path}", 404)
        mistake = mistake_in(call.raw, unquote(found[1]), found[2])
        if mistake is None:
            return None
        self.mistake(mistake)
        return Fails("ValidationException", mistake)

    def _who(self, call: Call) -> Fails | None:
        authorization = call.headers.get("authorization", "")
        if authorization.startswith("Bearer ") and self.keys:
            known = authorization.removeprefix("Bearer ") in self.keys
            return None if known else Fails("AccessDeniedException", "Authentication failed: API key is not valid", 403)
        return objection(call, self.credentials) if self.credentials or self.keys else None
