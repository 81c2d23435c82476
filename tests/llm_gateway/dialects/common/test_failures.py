"""One meaning for a provider's failure, whatever dialect says it and whether it has a status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llm_gateway.canonical import Request
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.bedrock.errors import in_stream
from llm_gateway.dialects.common.failures import failure
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.errors import UpstreamError
from llm_gateway.routing.retry import RetryScope, retry_scope

from tests.llm_gateway import values

openai = OpenAIChatClient()

gemini = GeminiClient()

bedrock = BedrockClient()

anthropic = AnthropicClient()

ASKED, MODEL = Request(model="m", messages=()), values.model("m")

WORDS = [
    ("content_policy_violation", 400, "content_policy_violation", RetryScope.NONE),
    ("content_filter", 400, "content_policy_violation", RetryScope.NONE),
    ("context_length_exceeded", 400, "context_length_exceeded", RetryScope.NONE),
    ("insufficient_quota", 429, "insufficient_quota", RetryScope.OTHER),
    ("billing_error", 429, "insufficient_quota", RetryScope.OTHER),
    ("invalid_api_key", 502, "upstream_credentials", RetryScope.OTHER),
    ("authentication_error", 502, "upstream_credentials", RetryScope.OTHER),
    ("permission_error", 502, "upstream_credentials", RetryScope.OTHER),
    ("rate_limit_exceeded", 429, "upstream_rate_limited", RetryScope.SAME),
    ("RESOURCE_EXHAUSTED", 429, "upstream_rate_limited", RetryScope.SAME),
    ("ThrottlingException", 429, "upstream_rate_limited", RetryScope.SAME),
    ("overloaded_error", 503, "upstream_unavailable", RetryScope.SAME),
    ("server_error", 503, "upstream_unavailable", RetryScope.SAME),
    ("UNAVAILABLE", 503, "upstream_unavailable", RetryScope.SAME),
    ("InternalServerException", 503, "upstream_unavailable", RetryScope.SAME),
    ("never_heard_of", 503, "upstream_unavailable", RetryScope.SAME),
    ("DEADLINE_EXCEEDED", 504, "upstream_timeout", RetryScope.ELSEWHERE),
    ("invalid_request_error", 400, "upstream_rejected", RetryScope.NONE),
    ("INVALID_ARGUMENT", 400, "upstream_rejected", RetryScope.NONE),
    ("ValidationException", 400, "upstream_rejected", RetryScope.NONE),
    ("model_not_found", 404, "upstream_model_not_found", RetryScope.OTHER),
    ("request_too_large", 413, "request_too_large", RetryScope.NONE),
]


PROTOCOL = "upstream_protocol_error"


def raised(decode: Any, *given: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        decode(*given)
    return caught.value


def everywhere(word: str) -> list[UpstreamError]:
    """The error that each dialect makes of an error inside a 200, plain and streamed."""
    chat = json.dumps({"error": {"message": "sk-secret", "type": "x", "code": word}}).encode()
    typed = json.dumps({"error": {"message": "sk-secret", "type": word, "code": None}}).encode()
    message = json.dumps({"type": "error", "error": {"type": word, "message": "sk-secret"}}).encode()
    status = json.dumps({"error": {"status": word, "message": "sk-secret"}}).encode()
    named = json.dumps({"__type": f"com.amazon.coral#{word}", "message": "sk-secret"}).encode()
    return [
        *(raised(openai.decode_result, body, ASKED, MODEL) for body in (chat, typed)),
        *(raised(openai.stream_decoder(ASKED, MODEL).feed, body) for body in (chat, typed)),
        openai.decode_error(200, {}, chat),
        raised(anthropic.decode_result, message, ASKED, MODEL),
        raised(anthropic.stream_decoder(ASKED, MODEL).feed, message),
        raised(gemini.decode_result, status, ASKED, MODEL),
        raised(gemini.stream_decoder(ASKED, MODEL).feed, status),
        raised(bedrock.decode_result, named, ASKED, MODEL),
        in_stream(word[:1].lower() + word[1:], named) if word[0].isupper() else bedrock.decode_error(200, {}, named),
    ]


@pytest.mark.parametrize(("word", "status", "code", "scope"), WORDS)
def test_a_word_inside_a_200_decides_status_retry_and_fallback(word: str, status: int, code: str, scope: RetryScope):
    for error in everywhere(word):
        assert (error.status, error.code, retry_scope(error)) == (status, code, scope)
        assert "secret" not in error.message


@pytest.mark.parametrize(
    ("status", "ours", "code", "scope"),
    [
        (204, 502, PROTOCOL, RetryScope.OTHER), (301, 502, PROTOCOL, RetryScope.OTHER),
        (304, 502, PROTOCOL, RetryScope.OTHER), (308, 502, PROTOCOL, RetryScope.OTHER),
        (400, 400, "upstream_rejected", RetryScope.NONE), (402, 429, "insufficient_quota", RetryScope.OTHER),
        (405, 502, PROTOCOL, RetryScope.OTHER), (408, 504, "upstream_timeout", RetryScope.SAME),
        (409, 503, "upstream_unavailable", RetryScope.SAME), (410, 404, "upstream_model_not_found", RetryScope.OTHER),
        (413, 413, "request_too_large", RetryScope.NONE), (418, 400, "upstream_rejected", RetryScope.NONE),
        (422, 400, "upstream_rejected", RetryScope.NONE), (425, 503, "upstream_unavailable", RetryScope.SAME),
        (500, 503, "upstream_unavailable", RetryScope.SAME), (524, 504, "upstream_timeout", RetryScope.ELSEWHERE),
        (529, 503, "upstream_unavailable", RetryScope.SAME), (777, 502, PROTOCOL, RetryScope.OTHER),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", [openai, anthropic, gemini, bedrock])
def test_a_status_without_a_word(dialect: Any, status: int, ours: int, code: str, scope: RetryScope):
    error = dialect.decode_error(status, {}, b"")
    assert (error.status, error.code, retry_scope(error)) == (ours, code, scope)


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (429, (None, "insufficient_quota"), "insufficient_quota"),
        (400, ("invalid_api_key",), "upstream_credentials"),
        (500, ("context_length_exceeded",), "context_length_exceeded"),
        (401, ("x", "invalid_request_error"), "upstream_credentials"),
        (503, (7, ["x"], "invalid_request_error"), "upstream_unavailable"),
    ],
)
def test_a_precise_word_says_more_than_a_status_and_a_general_one_less(status: int, words: Any, code: str):
    assert failure(status, {}, "", words).code == code


@pytest.mark.parametrize(
    ("status", "told", "scope"),
    [
        (429, "false", RetryScope.OTHER), (503, " False ", RetryScope.OTHER), (400, "false", RetryScope.NONE),
        (400, "true", RetryScope.SAME), (504, "true", RetryScope.SAME), (408, "false", RetryScope.ELSEWHERE),
        (503, "maybe", RetryScope.SAME),
    ],
)  # fmt: skip
def test_the_providers_own_word_on_repeating(status: int, told: str, scope: RetryScope):
    assert retry_scope(failure(status, {"x-should-retry": told}, "")) is scope
