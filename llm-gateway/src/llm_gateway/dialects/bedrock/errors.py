"""Bedrock's errors as types; its words are kept for the log alone.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_gateway.dialects.bedrock import wire
from llm_gateway.dialects.common.failures import failure, shown
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import UpstreamCredentials, UpstreamError

STALE = "upstream_credentials_stale"
"""The code of credentials that were good once, or are not known yet: new ones may help."""

_STALE = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)  # fmt: skip
_SIGNED = frozenset(
    {
        "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
        "MissingAuthenticationTokenException", "NotAuthorizedException", "OptInRequired",
    }
)  # fmt: skip
"""Complaints that repeat the request's headers, and with them the session token: they are not logged."""

_problem = TolerantReader(wire.Problem)

_TOO_LONG = ("input is too long", "prompt is too long", "too many input tokens", "maximum context length",
             "input length", "exceeds the maximum number of tokens", "context window")  # fmt: skip
"""Bedrock has no type for a prompt that does not fit, only words, and each family its own. This is the one place
where words decide; a sentence that is missing here costs the better code, not the rejection."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An error answer as a type. Its name comes as a header, or as `__type` in the body; both may have more around
    it (`com.amazon.coral.service#ThrottlingException`, `ValidationException:http://…`).

    A success may come with an error too, which then decides; without one it is no answer at all.
    """
    problem = _read(body)
    name = headers.get("x-amzn-errortype") or problem.type or ""
    name = name.partition(":")[0].rpartition("#")[2]
    return error_of(name, None if status < 300 and name else status, headers, body)


def error_of(name: str, status: int | None, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The type for an exception of this name; for an unknown one, what `status` says, if there is one."""
    if name in _STALE:
        return UpstreamCredentials(f"{status or 200} {name}", code=STALE)
    problem = _read(body)
    words = (problem.message or problem.capital_message or "").lower()
    too_long = any(words_of in words for words_of in _TOO_LONG)
    unsafe = name in _SIGNED or (not name and status in (401, 403))
    detail = f"{status or 200} {name}" if unsafe else shown(status, body).replace(": ", f" {name}: ", 1)
    return failure(status, headers, detail, (name,), too_long=too_long)


def hidden_error(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 and without a header, if it is one."""
    name = (_read(body).type or "").partition(":")[0].rpartition("#")[2]
    return error_of(name, None, {}, body) if name else None


def in_stream(name: str, payload: bytes) -> UpstreamError:
    """The type for an exception that came in the middle of a stream, as `throttlingException`."""
    return error_of(name[:1].upper() + name[1:], None, {}, payload)


def _read(body: bytes) -> wire.Problem:
    try:
        return _problem.read(body)
    except UNREADABLE:
        return wire.Problem()
