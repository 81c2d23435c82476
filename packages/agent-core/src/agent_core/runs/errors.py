"""Errors around a run rather than in it; messages are in the language of the client.

ApiError (service_kit)
├─ NotOwner           403 connection_forbidden: the connection id belongs to another principal
├─ RunNotFound        404 run_not_found: no run of that name is going or waiting
├─ NotRunning         409 not_running: there is nothing to cancel
├─ QueueFull          429 queue_full
├─ RunFailed          500 internal_error: a fault of ours, which the log explains
├─ ServiceStopping    503 service_stopping
└─ TooManyChannels    503 too_many_connections
"""

from __future__ import annotations

from service_kit.errors import ApiError


class NotOwner(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(403, "connection_forbidden", _in(
            language,
            "Esta conexión pertenece a otro usuario.",
            "This connection belongs to another user.",
        ))  # fmt: skip


class RunNotFound(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(404, "run_not_found", _in(
            language,
            "Esa ejecución no existe o ya ha terminado.",
            "That run does not exist or has already ended.",
        ))  # fmt: skip


class NotRunning(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(409, "not_running", _in(
            language,
            "No hay nada en marcha que se pueda parar.",
            "Nothing is running that could be stopped.",
        ))  # fmt: skip


class QueueFull(ApiError):
    def __init__(self, limit: int, language: str) -> None:
        super().__init__(429, "queue_full", _in(
            language,
            f"Ya hay {limit} mensajes en espera; aguarda a que termine alguno.",
            f"{limit} messages are already waiting; let one of them end first.",
        ))  # fmt: skip


class RunFailed(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(500, "internal_error", _in(
            language,
            "Algo ha fallado por nuestra parte.",
            "Something went wrong on our side.",
        ))  # fmt: skip


class ServiceStopping(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(503, "service_stopping", _in(
            language,
            "El servicio se está deteniendo; vuelve a intentarlo enseguida.",
            "The service is stopping; try again in a moment.",
        ))  # fmt: skip


class TooManyChannels(ApiError):
    def __init__(self, language: str) -> None:
        super().__init__(503, "too_many_connections", _in(
            language,
            "Hay demasiadas conexiones abiertas; vuelve a intentarlo más tarde.",
            "Too many connections are open; try again later.",
        ))  # fmt: skip


def _in(language: str, spanish: str, english: str) -> str:
    return english if language == "en" else spanish
