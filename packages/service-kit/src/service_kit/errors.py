"""The one error type that reaches a client, and the envelope it is rendered in.

Every service raises `ApiError` (or a subclass that fixes its fields) and nothing below it knows HTTP.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
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
"""What asking again cannot mend, unless an error says otherwise."""

_DEFAULT_RETRY_AFTER = {429: 1.0, 503: 1.0}


class ApiError(Exception):
    """An error as a client sees it.

    `status` is the HTTP status, `code` a stable English identifier, `param` the field that is wrong, and
    `retry_after` seconds until a new attempt makes sense (429 and 503 always carry one, unless `mends` is False:
    asking again does not help before somebody changes something). `spanish` is `message` in Spanish, where it has
    a translation.
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
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.type = type or _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        self.param = param
        self.spanish = spanish
        self.mends = mends if mends is not None else retry_after is not None or status not in _FINAL
        waits = _DEFAULT_RETRY_AFTER.get(status) if self.mends else None
        self.retry_after = retry_after if retry_after is not None else waits

    def headers(self) -> dict[str, str]:
        """`Retry-After` in whole seconds, rounded up, where the error has one; `x-should-retry: false`, which the
        official clients heed, where asking again cannot help."""
        if self.retry_after is not None:
            return {"retry-after": str(max(1, -int(-self.retry_after // 1)))}
        return {} if self.mends else {"x-should-retry": "false"}

    def message_in(self, language: Language) -> str:
        """The message, in `language` if it has been translated."""
        return self.spanish if language == "es" and self.spanish is not None else self.message


def error_body(error: ApiError, request_id: str, language: Language = "en") -> dict[str, Any]:
    """The envelope: `{"error": {"message", "type", "code", "param", "request_id"}}`."""
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
    """The envelope as an HTTP response."""
    body = msgspec.json.encode(error_body(error, request_id, language))
    return Response(body, error.status, error.headers(), "application/json")


def from_validation(errors: Any) -> ApiError:
    """The first of pydantic's complaints as a 422 that names the field."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return _invalid_json()
    loc = first["loc"]  # begins with where the value was, which may also be a field's own name
    path = ".".join(str(step) for step in (loc[1:] if loc[:1] in (("body",), ("query",), ("path",)) else loc))
    where = f"{path}: " if path else ""
    return ApiError(
        422, "validation_error", f"{where}{first['msg']}", type="invalid_request_error", param=path or None,
        spanish=f"{where}{in_spanish(first)}",
    )  # fmt: skip


def _invalid_json() -> ApiError:
    return ApiError(400, "invalid_json", "The body is not valid JSON.", spanish="El cuerpo no es JSON válido.")


# FastAPI's own 400 is a body that could not be read as JSON at all, for example one that is not UTF-8.
_HTTP_CODES = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


_HTTP_SPANISH = {
    400: "El cuerpo no es JSON válido.",
    404: "No hay nada en esta dirección.",
    405: "Este método no se admite aquí.",
    413: "El cuerpo es demasiado grande.",
}


def from_http(error: HTTPException) -> ApiError:
    """The framework's own error in our type."""
    code = _HTTP_CODES.get(error.status_code, "http_error")
    return ApiError(error.status_code, code, str(error.detail), spanish=_HTTP_SPANISH.get(error.status_code))


def install_error_handlers(app: FastAPI) -> None:
    """Render every error of `app`, the framework's own included, in the envelope."""

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
        return Response(status_code=499)  # nobody reads it: the client left while it was sending

    async def unexpected(request: Request, error: Exception) -> Response:
        # The error goes on to the border after this answer, which logs it.
        return answer(request, internal_error())

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def internal_error() -> ApiError:
    """What a client learns of a fault of ours: nothing but that it happened."""
    return ApiError(
        500, "internal_error", "Something went wrong on our side.", type="server_error",
        spanish="Algo ha fallado por nuestra parte.",
    )  # fmt: skip
