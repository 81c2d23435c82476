"""Bedrock's errors as types; its words are kept for the log alone.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from llm_gateway.dialects.bedrock import wire
from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

STALE = "upstream_credentials_stale"
"""The code of credentials that were good once, or are not known yet: new ones may help."""

_STALE = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)  # fmt: skip
_REFUSED = frozenset(
    {
        "AccessDeniedException", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
        "MissingAuthenticationTokenException", "NotAuthorizedException", "OptInRequired",
    }
)  # fmt: skip
_BUSY = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
_AWAY = frozenset(
    {
        "ServiceUnavailableException", "InternalServerException", "ModelNotReadyException", "ModelErrorException",
        "ModelStreamErrorException", "InternalFailure",
    }
)  # fmt: skip

_problem = msgspec.json.Decoder(wire.Problem)

_TOO_LONG = ("input is too long", "prompt is too long", "too many input tokens", "maximum context length",
             "input length", "exceeds the maximum number of tokens", "context window")  # fmt: skip
"""Bedrock has no type for a prompt that does not fit, only words, and each family its own. This is the one place
where words decide; a sentence that is missing here costs the better code, not the rejection."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An error answer as a type. Its name comes as a header, or as `__type` in the body; both may have more around
    it (`com.amazon.coral.service#ThrottlingException`, `ValidationException:http://…`)."""
    problem = _read(body)
    name = headers.get("x-amzn-errortype") or problem.type or ""
    return error_of(name.partition(":")[0].rpartition("#")[2], status, headers, body)


def error_of(name: str, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The type for an exception of this name; for an unknown one, what `status` says."""
    detail = f"{status} {name}: {body[:2000].decode('utf-8', 'replace')}"
    if name in _STALE:
        return UpstreamCredentials(_without_request(status, name), code=STALE)
    if name in _REFUSED or (not name and status in (401, 403)):
        return UpstreamCredentials(detail if name == "AccessDeniedException" else _without_request(status, name))
    if name == "ServiceQuotaExceededException":
        return UpstreamRateLimited(detail, code="insufficient_quota", retry_after=retry_after(headers))
    if name in _BUSY:
        return UpstreamRateLimited(detail, retry_after=retry_after(headers))
    if name == "ModelTimeoutException":
        return UpstreamTimeout(detail)
    if name in _AWAY:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    if name == "ValidationException":
        return _invalid(detail, _read(body))
    if name == "ResourceNotFoundException":
        return _missing(detail)
    return _by_status(status, headers, detail)


def in_stream(name: str, payload: bytes) -> UpstreamError:
    """The type for an exception that came in the middle of a stream, as `throttlingException`."""
    return error_of(name[:1].upper() + name[1:], 502, {}, payload)


def _by_status(status: int, headers: Mapping[str, str], detail: str) -> UpstreamError:
    if status in (401, 403):
        return UpstreamCredentials(detail)
    if status == 404:
        return _missing(detail)
    if status == 429:
        return UpstreamRateLimited(detail, retry_after=retry_after(headers))
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status == 424 or status >= 500:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    return _rejected(detail)


def _invalid(detail: str, problem: wire.Problem) -> UpstreamError:
    words = (problem.message or problem.capital_message or "").lower()
    if any(words_of in words for words_of in _TOO_LONG):
        return _rejected(detail, "context_length_exceeded", "The request is longer than the model's context.")
    return _rejected(detail)


def _rejected(detail: str, code: str | None = None, message: str | None = None) -> UpstreamError:
    rejected = UpstreamRejected(detail, code=code, message=message)
    rejected.type = "invalid_request_error"
    return rejected


def _missing(detail: str) -> UpstreamError:
    missing = UpstreamRejected(
        detail, code="upstream_model_not_found", message="The provider does not have this model."
    )
    missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
    return missing


def _without_request(status: int, name: str) -> str:
    """A complaint about a signature repeats the request's headers, and with them the session token."""
    return f"{status} {name}"


def _read(body: bytes) -> wire.Problem:
    try:
        return _problem.decode(body)
    except wire.UNREADABLE:
        return wire.Problem()
