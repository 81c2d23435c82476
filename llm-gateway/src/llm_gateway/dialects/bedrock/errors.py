"""Decodes Bedrock's error answers. Their messages go to the log alone.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from llm_gateway.dialects.bedrock import wire
from llm_gateway.dialects.common.failures import failure, shown
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader, loads
from llm_gateway.errors import UpstreamCredentials, UpstreamError

STALE = "upstream_credentials_stale"
"""The error code for credentials that are expired or not known yet: refreshed ones may help."""

_STALE = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)  # fmt: skip
_SIGNED = frozenset(
    {
        "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
        "MissingAuthenticationTokenException", "NotAuthorizedException", "OptInRequired",
    }
)  # fmt: skip
"""Errors whose message repeats the request's headers, session token included: the message is not logged."""

_problem = TolerantReader(wire.Problem)

_TOO_LONG = ("input is too long", "prompt is too long", "too many input tokens", "maximum context length",
             "input length", "exceeds the maximum number of tokens", "context window")  # fmt: skip
"""Recognizes a prompt that is too long, for which Bedrock has no type and each family its own text. An unlisted text is
still a rejection, with a less exact code."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Returns the error for an answer with this status. The exception's name is in a header, or in `__type` of the
    body, with a prefix or suffix (`com.amazon.coral.service#ThrottlingException`, `ValidationException:http://…`).

    If a status below 300 comes with an exception's name, that decides; without one the body is a protocol error.
    """
    problem = _read(body)
    name = headers.get("x-amzn-errortype") or problem.type or ""
    name = name.partition(":")[0].rpartition("#")[2]
    return error_of(name, None if status < 300 and name else status, headers, body)


def error_of(name: str, status: int | None, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Returns the error for an exception of this name; `status`, if any, decides for an unknown name."""
    if name in _STALE:
        return UpstreamCredentials(f"{status or 200} {name}", code=STALE)
    problem = _read(body)
    words = (problem.message or problem.capital_message or "").lower()
    too_long = any(words_of in words for words_of in _TOO_LONG)
    unsafe = name in _SIGNED or (not name and status in (401, 403))
    detail = f"{status or 200} {name}" if unsafe else shown(status, body).replace(": ", f" {name}: ", 1)
    return failure(status, headers, detail, (name,), too_long=too_long)


def hidden_error(body: bytes) -> UpstreamError | None:
    """Returns the error that came with status 200 and without a header, or None."""
    name = (_read(body).type or "").partition(":")[0].rpartition("#")[2]
    return error_of(name, None, {}, body) if name else None


def in_stream(name: str, payload: bytes) -> UpstreamError:
    """Returns the error for an exception within a stream (`throttlingException`)."""
    return error_of(name[:1].upper() + name[1:], None, {}, payload)


def _read(body: bytes) -> wire.Problem:
    """Returns the exception in `body`. AWS's front wraps its own in `Output`."""
    parsed = loads(body)
    wrapped = parsed.get("Output") if isinstance(parsed, dict) else None
    try:
        return _problem.read(body if not isinstance(wrapped, dict) else msgspec.json.encode(wrapped))
    except UNREADABLE:
        return wire.Problem()
