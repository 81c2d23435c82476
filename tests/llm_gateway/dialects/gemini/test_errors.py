"""Google's errors as types."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

client = GeminiClient()

TOO_LONG = "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576)."


def error(code: int, headers: dict[str, str] | None = None, *details: Any, **fields: Any) -> UpstreamError:
    body = {"error": {"code": code, "message": "their words", "details": list(details), **fields}}
    return client.decode_error(code, headers or {}, msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("status", "kind", "retriable"),
    [
        (400, UpstreamRejected, False), (401, UpstreamCredentials, True), (403, UpstreamCredentials, True),
        (404, UpstreamRejected, True), (409, UpstreamUnavailable, True), (429, UpstreamRateLimited, True),
        (499, UpstreamUnavailable, True), (500, UpstreamUnavailable, True), (502, UpstreamUnavailable, True),
        (503, UpstreamUnavailable, True), (504, UpstreamTimeout, True),
    ],
)  # fmt: skip
def test_statuses_become_types(status: int, kind: type[UpstreamError], retriable: bool):
    found = error(status)
    assert type(found) is kind and found.retriable is retriable
    assert "their words" in found.detail and "their words" not in found.message


@pytest.mark.parametrize("reason", ["API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"])
def test_a_key_that_is_not_valid_is_a_400_and_our_own_fault(reason: str):
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    assert type(error(400, None, info, status="INVALID_ARGUMENT")) is UpstreamCredentials
    assert type(error(400, None, {**info, "reason": "OTHER"}, status="INVALID_ARGUMENT")) is UpstreamRejected
    assert type(error(400, None, {**info, "reason": 7}, status="INVALID_ARGUMENT")) is UpstreamRejected


def test_an_account_that_may_not_ask_is_our_own_fault_too():
    assert type(error(400, status="FAILED_PRECONDITION")) is UpstreamCredentials


def test_what_was_rejected_reaches_the_caller_as_a_code():
    assert (error(400).code, error(400).type) == ("upstream_rejected", "invalid_request_error")
    too_long = error(400, message=TOO_LONG)
    assert (too_long.status, too_long.code) == (400, "context_length_exceeded") and "1048576" not in too_long.message
    missing = error(404)
    assert (missing.status, missing.code) == (404, "upstream_model_not_found")


@pytest.mark.parametrize(
    ("delay", "headers", "seconds"),
    [
        ("17s", {}, 17.0), ("0.5s", {"retry-after": "9"}, 0.5), ("17.25s", {}, 17.25), ("9999999s", {}, 86_400.0),
        ("-3s", {}, 1.0), ("soon", {"retry-after": "9"}, 9.0), (7, {"retry-after": "9"}, 9.0), (None, {}, 1.0),
    ],
)  # fmt: skip
def test_how_long_to_wait(delay: Any, headers: dict[str, str], seconds: float):
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    assert error(429, headers, info).retry_after == seconds


def test_an_array_with_the_error_in_it_is_read_too():
    body = msgspec.json.encode([{"error": {"code": 400, "message": TOO_LONG, "status": "INVALID_ARGUMENT"}}])
    assert client.decode_error(400, {}, body).code == "context_length_exceeded"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"{}", b"[1]", b'{"error": 1}', b'{"error": {"details": 1}}',
        b'{"error": {"details": [1]}}', b'{"error": {"message": 1, "status": []}}', b"\xff\xfe",
        b"[" * 100_000, b'"' + b"x" * 100_000 + b'"',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)  # fmt: skip
def test_a_body_that_says_nothing_leaves_the_status(body: bytes):
    for status, kind in ((400, UpstreamRejected), (429, UpstreamRateLimited), (500, UpstreamUnavailable)):
        found = client.decode_error(status, {}, body)
        assert type(found) is kind and len(found.detail) < 8100
