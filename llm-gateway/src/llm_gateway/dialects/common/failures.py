"""Maps a provider's failure, by its status and the codes in its error, to one of the gateway's errors.

Providers describe a failure by a status, a code, a type or an exception's name; an error inside a 200 or a stream has
no status. All dialects use `failure`, so that the client's status, retries and fallbacks follow from one decision. A
precise word ("insufficient_quota") counts more than the status; a general one ("invalid_request_error") counts only
without a status.

Sources: https://platform.openai.com/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors,
https://cloud.google.com/apis/design/errors and
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamQuota,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_SHOWN_BYTES = 2000


class Meaning(Enum):
    """What went wrong, independent of the provider."""

    TOO_LONG = "the prompt does not fit into the model's context"
    TOO_LARGE = "the body is larger than the provider takes"
    FORBIDDEN = "a content policy refused it"
    REJECTED = "the request is refused for what it is"
    NOT_FOUND = "the provider does not have this model"
    CREDENTIALS = "the gateway's credentials were refused"
    QUOTA = "the account's credit is used up"
    BUSY = "a rate limit is reached"
    TIMEOUT = "the provider gave up waiting"
    AWAY = "the provider failed, and may do better soon"
    PROTOCOL = "what came is no answer and no error"


def _table(words: dict[Meaning, str]) -> dict[str, Meaning]:
    return {_key(word): meaning for meaning, listed in words.items() for word in listed.split()}


def _key(word: str) -> str:
    """Returns `word` in one spelling for all of `RESOURCE_EXHAUSTED`, `resourceExhausted`, `resource-exhausted`."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


_PRECISE = _table({
    Meaning.TOO_LONG: """
        context_length_exceeded string_above_max_length exceed_context_size_error context_window_exceeded
        model_context_window_exceeded max_context_length_exceeded prompt_too_long input_too_long""",
    Meaning.TOO_LARGE: "request_too_large payload_too_large request_entity_too_large",
    Meaning.FORBIDDEN: """
        content_filter content_filtered content_policy_violation content_policy ResponsibleAIPolicyViolation
        image_content_policy_violation moderation_blocked invalid_prompt guardrail_intervened prohibited_content
        safety_violation data_inspection_failed""",
    Meaning.NOT_FOUND: "model_not_found ResourceNotFoundException DeploymentNotFound model_not_available",
    Meaning.CREDENTIALS: """
        invalid_api_key incorrect_api_key authentication_error account_deactivated invalid_organization
        unsupported_country_region_territory ip_not_authorized AccessDeniedException InvalidSignatureException
        SignatureDoesNotMatch IncompleteSignature MissingAuthenticationTokenException NotAuthorizedException
        OptInRequired ExpiredToken ExpiredTokenException UnrecognizedClientException InvalidClientTokenId
        FAILED_PRECONDITION""",
    Meaning.QUOTA: """
        insufficient_quota billing_hard_limit_reached billing_not_active billing_error insufficient_credits
        insufficient_balance insufficient_funds payment_required credit_limit_reached ServiceQuotaExceededException""",
    Meaning.BUSY: """
        rate_limit_exceeded rate_limit_error rate_limit_reached rate_limited RateLimitReached too_many_requests
        RESOURCE_EXHAUSTED ThrottlingException Throttling TooManyRequestsException RequestLimitExceeded""",
    Meaning.TIMEOUT: "timeout_error DEADLINE_EXCEEDED ModelTimeoutException gateway_timeout",
    Meaning.AWAY: """
        overloaded_error engine_overloaded server_overloaded capacity_exceeded ServiceUnavailableException
        InternalServerException ModelNotReadyException ModelErrorException ModelStreamErrorException
        InternalFailure""",
})  # fmt: skip

_GENERAL = _table({
    Meaning.REJECTED: """
        invalid_request_error invalid_request bad_request bad_request_error INVALID_ARGUMENT OUT_OF_RANGE
        UNIMPLEMENTED ValidationException validation_error invalid_value invalid_type invalid_json
        invalid_parameter_error unsupported_parameter unsupported_value missing_required_parameter unknown_parameter
        unprocessable_entity unprocessable_entity_error""",
    Meaning.NOT_FOUND: "not_found_error not_found",
    Meaning.CREDENTIALS: "permission_error permission_denied UNAUTHENTICATED unauthorized forbidden",
    Meaning.BUSY: "requests tokens slow_down",
    Meaning.TIMEOUT: "timeout request_timeout",
    Meaning.AWAY: """
        server_error internal_server_error internal_error INTERNAL UNKNOWN ABORTED UNAVAILABLE api_error
        service_unavailable service_unavailable_error overloaded""",
})  # fmt: skip

_BY_STATUS = {
    401: Meaning.CREDENTIALS, 402: Meaning.QUOTA, 403: Meaning.CREDENTIALS, 404: Meaning.NOT_FOUND,
    405: Meaning.PROTOCOL, 407: Meaning.PROTOCOL, 408: Meaning.TIMEOUT, 409: Meaning.AWAY, 410: Meaning.NOT_FOUND,
    413: Meaning.TOO_LARGE, 421: Meaning.AWAY, 423: Meaning.AWAY, 424: Meaning.AWAY, 425: Meaning.AWAY,
    426: Meaning.PROTOCOL, 429: Meaning.BUSY, 451: Meaning.FORBIDDEN, 498: Meaning.AWAY, 499: Meaning.AWAY,
    504: Meaning.TIMEOUT, 524: Meaning.TIMEOUT, 598: Meaning.TIMEOUT,
}  # fmt: skip
"""Other statuses are rejections below 500, and the provider's failures from 500 on. 405 and 426, like redirects, mean
that the URL is not the API's."""


def failure(
    status: int | None,
    headers: Mapping[str, str],
    detail: str,
    words: Iterable[Any] = (),
    *,
    too_long: bool = False,
    param: Any = None,
    wait: float | None = None,
) -> UpstreamError:
    """Returns the error for a provider's failure.

    `status` is None for an error inside a 200 that names none; one below 400 means that the body is not an answer.
    `words` are the error's codes, types and names, the most exact first; values that are not strings are ignored.
    `too_long` says that the message complains about the prompt's length. `wait` are the seconds to wait by the body.
    """
    meaning = _meaning(status, [_key(word) for word in words if isinstance(word, str)])
    if too_long and meaning in (Meaning.REJECTED, Meaning.TOO_LARGE):
        meaning = Meaning.TOO_LONG
    error = _made(meaning, detail, retry_after(headers) if wait is None else wait)
    if isinstance(error, UpstreamRejected) and isinstance(param, str) and len(param) <= 200:
        error.param = param
    error.should_retry = _should_retry(headers, status)
    return error


def shown(status: int | None, body: bytes) -> str:
    """Returns the status and the start of an error's body, for the log."""
    return f"{status or 200}: {body[:_SHOWN_BYTES].decode('utf-8', 'replace')}"


def status_from_code(code: Any) -> int | None:
    """Returns the HTTP status (400 to 599) that an error's code is, or None."""
    if type(code) is float and code.is_integer():
        code = int(code)
    if isinstance(code, str) and len(code) == 3 and code.isdecimal():
        code = int(code)
    return code if type(code) is int and 400 <= code < 600 else None


def _meaning(status: int | None, words: list[str]) -> Meaning:
    for word in words:
        if word in _PRECISE:
            return _PRECISE[word]
    if status is None:
        return next((_GENERAL[word] for word in words if word in _GENERAL), Meaning.AWAY)
    if status < 400 or status >= 600:
        return Meaning.PROTOCOL
    return _BY_STATUS.get(status) or (Meaning.AWAY if status >= 500 else Meaning.REJECTED)


def _should_retry(headers: Mapping[str, str], status: int | None) -> bool | None:
    """Returns what `x-should-retry` says (OpenAI, Anthropic), else None; True for a 408, since the request never
    arrived whole."""
    told = headers.get("x-should-retry", "").strip().lower()
    if told in ("true", "false"):
        return told == "true"
    return True if status == 408 else None


def _made(meaning: Meaning, detail: str, wait: float | None) -> UpstreamError:
    match meaning:
        case Meaning.CREDENTIALS:
            return UpstreamCredentials(detail)
        case Meaning.QUOTA:
            return UpstreamQuota(detail, retry_after=wait)
        case Meaning.BUSY:
            return UpstreamRateLimited(detail, retry_after=wait)
        case Meaning.TIMEOUT:
            return UpstreamTimeout(detail)
        case Meaning.AWAY:
            return UpstreamUnavailable(detail, retry_after=wait)
        case Meaning.PROTOCOL:
            return UpstreamProtocol(detail, retry_after=wait)
        case _:
            return _rejection(meaning, detail)


def _rejection(meaning: Meaning, detail: str) -> UpstreamRejected:
    code, message, spanish = _REJECTIONS.get(meaning, (None, None, None))
    rejected = UpstreamRejected(detail, code=code, message=message, spanish=spanish)
    rejected.type = "invalid_request_error"
    if meaning is Meaning.NOT_FOUND:
        rejected.status, rejected.retriable, rejected.type = 404, True, "not_found_error"
    elif meaning is Meaning.TOO_LARGE:
        rejected.status = 413
    return rejected


_REJECTIONS: dict[Meaning, tuple[str, str, str]] = {
    Meaning.TOO_LONG: (
        "context_length_exceeded", "The request is longer than the model's context.",
        "La petición es más larga que el contexto del modelo.",
    ),
    Meaning.TOO_LARGE: (
        "request_too_large", "The request is larger than the provider takes.",
        "La petición es más grande de lo que admite el proveedor.",
    ),
    Meaning.FORBIDDEN: (
        "content_policy_violation", "The provider's content policy refused this request.",
        "El proveedor ha rechazado esta petición por su política de contenidos.",
    ),
    Meaning.NOT_FOUND: (
        "upstream_model_not_found", "The provider does not have this model.", "El proveedor no tiene este modelo.",
    ),
}  # fmt: skip
"""Code, and the texts in English and Spanish."""
