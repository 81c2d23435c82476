"""The checks that every request passes, in this order. To add a check, add a function to `CHECKS`.

A check returns if the request may go on, and raises ApiError if it may not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from service_kit.auth.keys import principal_of, same
from service_kit.auth.principal import Principal
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError

Check = Callable[[EdgeRequest], Awaitable[None]]

WRONG_KEY = "invalid_api_key"
"""The error code of a wrong key, which may be a guess; such refusals are counted and delayed."""

_SINGLE = frozenset({b"host", b"origin", b"authorization", b"x-api-key", b"content-type", b"content-encoding"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_TELL_MORE_WITH_A_KEY = frozenset({"/health"})
"""Public paths that tell operators more than others, so that a key which is shown is checked."""
_LONGEST_LENGTH = 18
"""In digits. A longer Content-Length is over any limit, and is not parsed."""


async def single_fields(request: EdgeRequest) -> None:
    """Refuses a request that repeats a header which decides on access: two readers of it could use different values.

    Raises:
        ApiError: 400 `repeated_header`.
    """
    if not request.repeats_fields:
        return
    seen: set[bytes] = set()
    for name, _ in request.scope["headers"]:
        if name in _SINGLE and name in seen:
            field = name.decode().title()
            raise ApiError(
                400, "repeated_header", f"The header '{field}' may be sent once.", param=field,
                spanish=f"La cabecera '{field}' solo puede enviarse una vez.",
            )  # fmt: skip
        seen.add(name)


async def host(request: EdgeRequest) -> None:
    """Refuses a Host that is not in ALLOWED_HOSTS, which stops DNS rebinding.

    Raises:
        ApiError: 421 `host_not_allowed`.
    """
    if not request.policy.hosts.allows(request.text(b"host")):
        raise ApiError(
            421, "host_not_allowed", "This host name is not in ALLOWED_HOSTS.", type="invalid_request_error",
            spanish="Este nombre de host no está en ALLOWED_HOSTS.",
        )  # fmt: skip


async def origin(request: EdgeRequest) -> None:
    """Refuses pages whose origin is not allowed. A page with the origin `null`, as one opened from disk, needs a key or
    the page's token.

    Raises:
        ApiError: 403 `origin_not_allowed`.
    """
    given = request.text(b"origin")
    if given is None:
        return
    passes = given == "null" and await _has_secret(request)
    if not passes and not request.policy.origins.allows(given, request.text(b"host")):
        raise ApiError(
            403, "origin_not_allowed", "This page's origin is not in CORS_ALLOWED_ORIGINS.",
            spanish="El origen de esta página no está en CORS_ALLOWED_ORIGINS.",
        )  # fmt: skip
    request.allowed_origin = request.given[b"origin"]


async def credentials(request: EdgeRequest) -> None:
    """Authenticates the request and stores its principal in the request's state.

    Raises:
        ApiError: 401 `missing_api_key` or `invalid_api_key`, and what the authenticator raises.
    """
    policy = request.policy
    if request.preflight or policy.authenticator is None:
        return
    key = request.key()
    if request.path in policy.public_paths and (key is None or request.path not in _TELL_MORE_WITH_A_KEY):
        return
    if key is None:
        if policy.anonymous is not None:
            return
        raise ApiError(
            401, "missing_api_key", "Send an API key as 'Authorization: Bearer' or 'x-api-key'.",
            spanish="Envía una clave de API como 'Authorization: Bearer' o 'x-api-key'.",
        )  # fmt: skip
    if policy.anonymous is None and _is_page_token(request, key):
        principal = Principal(id=principal_of(key), source="page")
    else:
        principal = await policy.authenticator.authenticate(key) or policy.anonymous
    if principal is None:
        raise ApiError(
            401, WRONG_KEY, "This API key is not known here.", spanish="Esta clave de API no se conoce aquí."
        )
    request.scope["state"]["principal"] = principal


async def body(request: EdgeRequest) -> None:
    """Refuses a body that is not JSON by its media type, that is compressed, or longer than the limit by its
    Content-Length.

    Raises:
        ApiError: 413 `body_too_large`, 415 `unsupported_media_type` or `unsupported_content_encoding`.
    """
    if request.method not in _WITH_BODY or request.preflight:
        return
    length = request.given.get(b"content-length")
    if length in (None, b"0") and b"transfer-encoding" not in request.given:
        return
    if length is not None and not _fits(length, request.policy.max_body_bytes):
        raise body_too_large(request.policy.max_body_bytes)
    media_type = request.given.get(b"content-type", b"")
    if media_type != b"application/json":
        media_type = media_type.partition(b";")[0].strip().lower()
        named = media_type == b"application/json" or media_type.endswith(b"+json")
        if not named and not _may_leave_it_open(request):
            raise ApiError(
                415, "unsupported_media_type", "Send JSON, with the header 'Content-Type: application/json'.",
                param="Content-Type", spanish="Envía JSON, con la cabecera 'Content-Type: application/json'.",
            )  # fmt: skip
    if not _is_plain(request):
        raise ApiError(
            415, "unsupported_content_encoding", "Send the body as it is, not compressed.", param="Content-Encoding",
            spanish="Envía el cuerpo tal cual, sin comprimir.",
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (single_fields, host, origin, credentials, body)


async def _has_secret(request: EdgeRequest) -> bool:
    key, known = request.key(), request.policy.authenticator
    if key is None:
        return False
    return _is_page_token(request, key) or (known is not None and await known.authenticate(key) is not None)


def _is_page_token(request: EdgeRequest, key: str) -> bool:
    """Returns whether `key` is the page's token. It counts only together with `Origin: null`, because only a page
    without an origin needs it."""
    token = request.policy.page_token
    return token is not None and request.given.get(b"origin") == b"null" and same(key, token)


def _may_leave_it_open(request: EdgeRequest) -> bool:
    """Returns whether the body is read as JSON although it does not say that it is: `curl -d` and load generators
    name a form's media type. A page could send a form to any address without being asked; it shows by one of these
    headers, which every browser sends and no page can leave out."""
    by_page = b"origin" in request.given or b"sec-fetch-site" in request.given or b"referer" in request.given
    return request.path in request.policy.lenient_paths and not by_page


def _is_plain(request: EdgeRequest) -> bool:
    """Returns whether the body is neither compressed nor encoded in another way. An encoding that is overlooked would
    be read as broken JSON, or as other JSON than a proxy before this service has seen."""
    coding, transfer = request.given.get(b"content-encoding"), request.given.get(b"transfer-encoding")
    plain_coding = coding is None or coding.strip().lower() in (b"", b"identity")
    return plain_coding and (transfer is None or transfer.strip().lower() == b"chunked")


def _fits(length: bytes, most: int) -> bool:
    return length.isdigit() and len(length) <= _LONGEST_LENGTH and int(length) <= most


def body_too_large(most: int) -> ApiError:
    return ApiError(
        413, "body_too_large", f"The body is over the limit of {most} bytes.",
        spanish=f"El cuerpo supera el límite de {most} bytes.",
    )  # fmt: skip
