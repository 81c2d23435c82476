"""The error type and its envelope, for the framework's own errors as well."""

from __future__ import annotations

from typing import Any

import pytest
from service_kit.errors import ApiError, error_body, internal_error

from tests.service_kit.harness import error_of, staged


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"),
        (404, "not_found_error"), (422, "invalid_request_error"), (429, "rate_limit_error"),
        (500, "server_error"), (502, "server_error"), (503, "unavailable_error"), (504, "timeout_error"),
    ],
)  # fmt: skip
def test_a_status_has_its_type(status: int, type_: str):
    assert ApiError(status, "c", "m").type == type_
    assert ApiError(status, "c", "m", type="own_error").type == "own_error"


def test_an_error_does_not_send_back_all_that_it_quotes():
    error = ApiError(400, "c", "m" * 3_000_000, param="p" * 3_000_000, spanish="é" * 3_000_000)
    for language in ("es", "en"):
        assert len(str(error_body(error, "req_1", language))) < 2500
    assert len(str(error)) < 2500
    short = error_body(ApiError(400, "c", "m", param="p", spanish="é"), "req_1", "es")["error"]
    assert (short["message"], short["param"]) == ("é", "p")


@pytest.mark.parametrize(
    ("status", "given", "header"),
    [
        (429, None, "1"),
        (503, None, "1"),
        (429, 0.0, "1"),
        (503, 2.0, "2"),
        (429, 2.1, "3"),
        (502, 7.0, "7"),
        (404, None, None),
    ],
)  # fmt: skip
def test_when_to_try_again(status: int, given: float | None, header: str | None):
    assert ApiError(status, "c", "m", retry_after=given).headers().get("retry-after") == header


def test_the_envelope():
    error = ApiError(404, "model_not_found", "LLM 'x' not found", param="model")
    assert error_body(error, "r-1") == {
        "error": {
            "message": "LLM 'x' not found", "type": "not_found_error", "code": "model_not_found", "param": "model",
            "request_id": "r-1",
        }
    }  # fmt: skip
    assert str(error) == "LLM 'x' not found"


def test_a_fault_of_ours_says_nothing():
    assert (internal_error().status, internal_error().code) == (500, "internal_error")


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code", "param"),
    [
        ("GET", "/nothing", None, 404, "not_found", None),
        ("GET", "/items", None, 405, "method_not_allowed", None),
        ("POST", "/items", b"{", 400, "invalid_json", None),
        ("POST", "/items", b"\xff\xfe", 400, "invalid_json", None),
        ("POST", "/items", b"[" * 100_000, 400, "invalid_json", None),
        ("POST", "/items", b"[]", 422, "validation_error", None),
        ("POST", "/items", b"null", 422, "validation_error", None),
        ("POST", "/items", b'{"name": "a"}', 422, "validation_error", "count"),
        ("POST", "/items", b'{"name": 1, "count": 1}', 422, "validation_error", "name"),
        ("GET", "/refused", None, 429, "too_many", None),
        ("GET", "/broken", None, 500, "internal_error", None),
    ],
)
async def test_every_error_comes_in_the_envelope(
    method: str, path: str, content: bytes | None, status: int, code: str, param: Any
):
    async with staged() as stage:
        headers = {"content-type": "application/json"} if content else {}
        answer = await stage.http.request(method, path, content=content, headers=headers)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)
    if status == 405:
        assert answer.headers["allow"] == "POST"


# --- what clients are told beside the status ---


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (ApiError(401, "invalid_api_key", ""), {"x-should-retry": "false"}),
        (ApiError(422, "validation_error", ""), {"x-should-retry": "false"}),
        (ApiError(431, "head_too_large", ""), {"x-should-retry": "false"}),
        (ApiError(503, "provider_not_configured", "", mends=False), {"x-should-retry": "false"}),
        (ApiError(429, "budget", "", mends=False), {"x-should-retry": "false"}),
        (ApiError(429, "slow_down", "", retry_after=2.2), {"retry-after": "3"}),
        (ApiError(503, "busy", ""), {"retry-after": "1"}),
        (ApiError(409, "busy", ""), {}),
        (ApiError(500, "internal_error", ""), {}),
    ],
)
def test_a_client_is_told_whether_asking_again_helps(error: ApiError, headers: dict[str, str]):
    assert error.headers() == headers


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/items", b'{"name": "x"}', "count: falta este campo"),
        ("POST", "/items", b'{"name": "x", "count": "many"}', "count: debe ser un número entero"),
        ("POST", "/items", b"{", "El cuerpo no es JSON válido."),
        ("GET", "/nowhere", b"", "No hay nada en esta dirección."),
        ("DELETE", "/items", b"", "Este método no se admite aquí."),
        ("GET", "/broken", b"", "Algo ha fallado por nuestra parte."),
        ("PUT", "/anything", b"a" * 101, "El cuerpo supera el límite de 100 bytes."),
    ],
)
async def test_an_error_reads_in_the_language_of_the_person(method: str, path: str, body: bytes, message: str):
    json_type = {"content-type": "application/json"} if body else {}
    async with staged({"MAX_BODY_BYTES": "100"}) as stage:
        spanish = await stage.http.request(method, path, content=body, headers=json_type)
        english = await stage.http.request(method, path, content=body, headers={**json_type, "accept-language": "en"})
    assert error_of(spanish)["message"] == message
    assert error_of(english)["message"] != message
    assert error_of(spanish)["code"] == error_of(english)["code"]
