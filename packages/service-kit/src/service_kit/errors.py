"""The one error type that reaches clients, and the envelope in which it is sent.

Services raise `ApiError`, or a subclass that fixes its fields.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service_kit.ids import request_id_of
from service_kit.language import Language
from service_kit.validation_texts import in_spanish

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "unavailable_error",
    504: "timeout_error",
}
_FINAL = frozenset(range(400, 500)) - {408, 409, 425, 429, 499}
"""The statuses of errors that a retry cannot resolve, unless an error says otherwise."""

_DEFAULT_RETRY_AFTER = {429: 1.0, 503: 1.0}

_LONGEST_MESSAGE = 2000
_LONGEST_PARAM = 256
"""In characters. Messages quote what a client sent, which may be as long as its body."""


class ApiError(Exception):
    """An error as a client sees it.

    `status` is the HTTP status, `type` the kind of error in OpenAI's terms (by default that of the status), `code` a
    stable English identifier, and `param` the name of the wrong field. `retry_after` is in seconds; 429 and 503 always
    have one, unless `mends` is False, which says that a retry cannot help until something has been changed. `spanish`
    is the Spanish `message`, if there is a translation. Texts that are longer than an error needs are cut.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        type: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        mends: bool | None = None,
        spanish: str | None = None,
    ) -> None:
        message = _cut(message, _LONGEST_MESSAGE)
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.type = type or _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        self.param = None if param is None else _cut(param, _LONGEST_PARAM)
        self.spanish = None if spanish is None else _cut(spanish, _LONGEST_MESSAGE)
        self.mends = mends if mends is not None else retry_after is not None or status not in _FINAL
        waits = _DEFAULT_RETRY_AFTER.get(status) if self.mends else None
        self.retry_after = retry_after if retry_after is not None else waits

    def headers(self) -> dict[str, str]:
        """Returns `Retry-After` in whole seconds, rounded up, if the error has one. An error that a retry cannot
        resolve has `x-should-retry: false` instead, which the official OpenAI and Anthropic clients obey."""
        if self.retry_after is not None:
            return {"retry-after": str(max(1, -int(-self.retry_after // 1)))}
        return {} if self.mends else {"x-should-retry": "false"}

    def message_in(self, language: Language) -> str:
        """Returns the message in `language`, or in English if there is no translation."""
        return self.spanish if language == "es" and self.spanish is not None else self.message

    def told_in(self, language: Language) -> ApiError:
        """Returns the error with its message in `language`, for what renders the message alone."""
        message = self.message_in(language)
        if message == self.message:
            return self
        return ApiError(
            self.status, self.code, message, type=self.type, param=self.param, retry_after=self.retry_after,
            mends=self.mends,
        )  # fmt: skip


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def error_body(error: ApiError, request_id: str, language: Language = "en") -> dict[str, Any]:
    """Returns the envelope: `{"error": {"message", "type", "code", "param", "request_id"}}`."""
    return {
        "error": {
            "message": error.message_in(language),
            "type": error.type,
            "code": error.code,
            "param": error.param,
            "request_id": request_id,
        }
    }


def error_response(error: ApiError, request_id: str, language: Language = "en") -> Response:
    """Returns the envelope as an HTTP response with the error's status and headers."""
    body = msgspec.json.encode(error_body(error, request_id, language))
    return Response(body, error.status, error.headers(), "application/json")


def from_validation(errors: Any) -> ApiError:
    """Returns the first of pydantic's errors as a 422 that names the field, or as a 400 if the body is not JSON."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return _invalid_json()
    loc = first["loc"]  # starts with the part of the request, a word that may also be a field's name
    path = ".".join(str(step) for step in (loc[1:] if loc[:1] in (("body",), ("query",), ("path",)) else loc))
    where = f"{path}: " if path else ""
    return ApiError(
        422, "validation_error", f"{where}{first['msg']}", type="invalid_request_error", param=path or None,
        spanish=f"{where}{in_spanish(first)}",
    )  # fmt: skip


def _invalid_json() -> ApiError:
    return ApiError(400, "invalid_json", "The body is not valid JSON.", spanish="El cuerpo no es JSON válido.")


# FastAPI raises a 400 for a body that cannot be decoded at all, for example one that is not UTF-8.
_HTTP_CODES = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


_HTTP_SPANISH = {
    400: "El cuerpo no es JSON válido.",
    404: "No hay nada en esta dirección.",
    405: "Este método no se admite aquí.",
    413: "El cuerpo es demasiado grande.",
}


def from_http(error: HTTPException) -> ApiError:
    """Returns a framework's error, such as a 404 of the router, as an `ApiError`."""
    code = _HTTP_CODES.get(error.status_code, "http_error")
    return ApiError(error.status_code, code, str(error.detail), spanish=_HTTP_SPANISH.get(error.status_code))


def install_error_handlers(app: Starlette) -> None:
    """Makes `app` answer every error in the envelope, the framework's own included."""

    def answer(request: Request, error: ApiError) -> Response:
        return error_response(error, request_id_of(request.scope), request.scope.get("state", {}).get("language", "en"))

    async def api_error(request: Request, error: Any) -> Response:
        return answer(request, error)

    async def validation(request: Request, error: Any) -> Response:
        return answer(request, from_validation(error.errors()))

    async def http(request: Request, error: Any) -> Response:
        response = answer(request, from_http(error))
        response.headers.update(error.headers or {})
        return response

    async def gone(request: Request, error: Any) -> Response:
        return Response(status_code=499)  # never read: the client left while it was sending

    async def unexpected(request: Request, error: Exception) -> Response:
        # Starlette raises the error again after this answer, and the edge logs it.
        return answer(request, internal_error())

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def internal_error() -> ApiError:
    """Returns the 500 for a fault of the service; it tells the client nothing about the fault."""
    return ApiError(
        500, "internal_error", "Something went wrong on our side.", type="server_error",
        spanish="Algo ha fallado por nuestra parte.",
    )  # fmt: skip
