"""Bedrock's errors as types, and nothing of them for the client."""

from __future__ import annotations

import msgspec
import pytest
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.bedrock.errors import in_stream
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamQuota,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

client = BedrockClient()

TYPES = [
    ("ThrottlingException", 429, UpstreamRateLimited, "upstream_rate_limited", 429),
    ("TooManyRequestsException", 429, UpstreamRateLimited, "upstream_rate_limited", 429),
    ("ServiceQuotaExceededException", 400, UpstreamQuota, "insufficient_quota", 429),
    ("ValidationException", 400, UpstreamRejected, "upstream_rejected", 400),
    ("ResourceNotFoundException", 404, UpstreamRejected, "upstream_model_not_found", 404),
    ("AccessDeniedException", 403, UpstreamCredentials, "upstream_credentials", 502),
    ("InvalidSignatureException", 403, UpstreamCredentials, "upstream_credentials", 502),
    ("ExpiredTokenException", 403, UpstreamCredentials, "upstream_credentials_stale", 502),
    ("UnrecognizedClientException", 403, UpstreamCredentials, "upstream_credentials_stale", 502),
    ("ModelNotReadyException", 429, UpstreamUnavailable, "upstream_unavailable", 503),
    ("ModelErrorException", 424, UpstreamUnavailable, "upstream_unavailable", 503),
    ("ModelTimeoutException", 408, UpstreamTimeout, "upstream_timeout", 504),
    ("ServiceUnavailableException", 503, UpstreamUnavailable, "upstream_unavailable", 503),
    ("InternalServerException", 500, UpstreamUnavailable, "upstream_unavailable", 503),
]


@pytest.mark.parametrize(("name", "status", "type_", "code", "ours"), TYPES)
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-amzn-errortype": "{}"}, {"message": "words"}),
        ({"x-amzn-errortype": "{}:http://internal.amazon.com/coral/"}, {"Message": "words"}),
        ({}, {"__type": "com.amazon.coral.service#{}", "message": "words"}),
        ({}, {"__type": "{}"}),
    ],
    ids=["header", "header with an address", "body", "body alone"],
)
def test_types(
    name: str, status: int, type_: type[UpstreamError], code: str, ours: int, headers: dict[str, str],
    body: dict[str, str],
):  # fmt: skip
    filled = {key: value.replace("{}", name) for key, value in body.items()}
    error = client.decode_error(
        status, {key: value.replace("{}", name) for key, value in headers.items()}, msgspec.json.encode(filled)
    )
    assert (type(error), error.code, error.status) == (type_, code, ours)
    assert "words" not in error.message and name in error.detail


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (400, UpstreamRejected), (401, UpstreamCredentials), (403, UpstreamCredentials), (404, UpstreamRejected),
        (408, UpstreamTimeout), (413, UpstreamRejected), (424, UpstreamUnavailable), (429, UpstreamRateLimited),
        (500, UpstreamUnavailable), (502, UpstreamUnavailable), (503, UpstreamUnavailable), (504, UpstreamTimeout),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 3}', b"\xff", b'{"__type": "New"}', b"[" * 9999])
def test_without_a_known_type_the_status_decides(status: int, type_: type[UpstreamError], body: bytes):
    assert type(client.decode_error(status, {}, body)) is type_


@pytest.mark.parametrize(
    "words",
    [
        "Input is too long for requested model.",
        "The model returned the following errors: prompt is too long: 209000 tokens > 200000 maximum",
        "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt",
        "Too many input tokens. Max input tokens: 42000, request input token count: 51000",
    ],
)
def test_a_prompt_that_does_not_fit_is_known_by_its_words_alone(words: str):
    body = msgspec.json.encode({"message": words})
    error = client.decode_error(400, {"x-amzn-errortype": "ValidationException"}, body)
    assert (error.code, error.type, error.retriable) == ("context_length_exceeded", "invalid_request_error", False)
    other = client.decode_error(500, {"x-amzn-errortype": "InternalServerException"}, body)
    assert other.code == "upstream_unavailable"


def test_how_long_to_wait():
    error = client.decode_error(429, {"x-amzn-errortype": "ThrottlingException", "retry-after": "3"}, b"{}")
    assert error.retry_after == 3


def test_a_complaint_about_a_signature_is_not_even_logged():
    body = b'{"message": "The Canonical String should have been POST x-amz-security-token:SECRET"}'
    for name in ("InvalidSignatureException", "ExpiredTokenException"):
        assert "SECRET" not in client.decode_error(403, {"x-amzn-errortype": name}, body).detail


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("throttlingException", UpstreamRateLimited), ("validationException", UpstreamRejected),
        ("modelStreamErrorException", UpstreamUnavailable), ("modelTimeoutException", UpstreamTimeout),
        ("internalServerException", UpstreamUnavailable), ("serviceUnavailableException", UpstreamUnavailable),
        ("", UpstreamUnavailable), ("somethingNew", UpstreamUnavailable),
    ],
)  # fmt: skip
def test_in_a_stream(name: str, type_: type[UpstreamError]):
    assert type(in_stream(name, b'{"message": "x"}')) is type_
    assert type(in_stream(name, b"\xff")) is type_
