"""The errors of a connection: what a client is told of a request that the protocol did not take."""

from __future__ import annotations

from service_kit.edge.limits import ConnectionLimits
from service_kit.errors import ApiError


def head_too_large(limits: ConnectionLimits) -> ApiError:
    bytes_, fields = limits.head_bytes, limits.head_fields
    return ApiError(
        431, "head_too_large", f"The head of the request is over the limit of {bytes_} bytes or {fields} fields.",
        spanish=f"La cabecera de la petición supera el límite de {bytes_} bytes o {fields} campos.",
    )  # fmt: skip


def chunks_too_small() -> ApiError:
    return ApiError(
        400, "chunks_too_small", "The body comes in too many chunks for its size.",
        spanish="El cuerpo llega en demasiados trozos para su tamaño.",
    )  # fmt: skip


def request_timeout() -> ApiError:
    return ApiError(
        408, "request_timeout", "The request did not arrive in time.", type="timeout_error",
        spanish="La petición no llegó a tiempo.",
    )  # fmt: skip


def malformed_request() -> ApiError:
    return ApiError(
        400, "malformed_request", "This is not a request of HTTP/1.1.", spanish="Esto no es una petición de HTTP/1.1."
    )


def too_many_connections() -> ApiError:
    return ApiError(
        503, "too_many_connections", "The service has no room for another connection now.",
        spanish="El servicio no tiene sitio para otra conexión ahora.",
    )  # fmt: skip
