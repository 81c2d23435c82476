"""What the terminal says to people, in the suite's two languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """One language; `{}` takes the value that the name tells."""

    welcome: str
    prompt: str
    how_to_leave: str
    stopping: str
    stopped: str
    queued: str
    calls: str
    fallback: str
    planner: str
    tokens: str
    free: str
    lost: str
    back: str
    forgotten: str
    refused: str
    bye: str


_ES = Texts(
    welcome="Conectado a {url} · {tools} herramientas. Ctrl-C para la respuesta; salir, o Ctrl-D, para irte.",
    prompt="tú> ",
    how_to_leave="No hay nada en marcha. Para irte: salir, o Ctrl-D.",
    stopping="Parando…",
    stopped="Parado.",
    queued="En espera, puesto {position}.",
    calls="llama a",
    fallback="en lugar de {asked}",
    planner="planificador sin conexión",
    tokens="{count} tokens",
    free="gratis",
    lost="Se perdió la conexión; reconectando…",
    back="Reconectado.",
    forgotten="El servicio ya no conserva lo que pasó mientras tanto.",
    refused="El servicio no acepta la conexión",
    bye="Hasta luego.",
)
_EN = Texts(
    welcome="Connected to {url} · {tools} tools. Ctrl-C stops the answer; exit, or Ctrl-D, leaves.",
    prompt="you> ",
    how_to_leave="Nothing is running. To leave: exit, or Ctrl-D.",
    stopping="Stopping…",
    stopped="Stopped.",
    queued="Waiting, position {position}.",
    calls="calls",
    fallback="instead of {asked}",
    planner="offline planner",
    tokens="{count} tokens",
    free="free",
    lost="The connection was lost; connecting again…",
    back="Connected again.",
    forgotten="The service no longer keeps what happened meanwhile.",
    refused="The service does not take the connection",
    bye="Goodbye.",
)


def texts(language: str) -> Texts:
    """The texts in `language` (`es` or `en`)."""
    return _EN if language == "en" else _ES
