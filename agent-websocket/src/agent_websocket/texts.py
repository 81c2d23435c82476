"""The service's own messages to people, in Spanish and English."""

from __future__ import annotations

from agent_websocket.protocol import Fault, FrameError

_ES = {
    Fault.BINARY: "Envía texto JSON, no tramas binarias.",
    Fault.TOO_LARGE: "El mensaje supera el límite de {detail} bytes.",
    Fault.MALFORMED: "El mensaje no es JSON válido.",
    Fault.NOT_OBJECT: "El mensaje debe ser un objeto JSON con un campo «type».",
    Fault.UNKNOWN_TYPE: "Tipo de mensaje desconocido: {detail}. Los que hay: message, cancel, ping, resume.",
    Fault.INVALID: "Mensaje no válido: {detail}",
}
_EN = {
    Fault.BINARY: "Send JSON text, not binary frames.",
    Fault.TOO_LARGE: "The message is over the limit of {detail} bytes.",
    Fault.MALFORMED: "The message is not valid JSON.",
    Fault.NOT_OBJECT: "The message must be a JSON object with a 'type' field.",
    Fault.UNKNOWN_TYPE: "Unknown message type: {detail}. There are: message, cancel, ping, resume.",
    Fault.INVALID: "Invalid message: {detail}",
}
_RESUME_FAILED = {
    "es": "Lo que faltaba ya no se conserva; esto es lo que queda de la última ejecución.",
    "en": "What was missed is no longer kept; this is what is left of the last run.",
}
_CONNECTED = {"es": "Conectado al agente.", "en": "Connected to the agent."}


def explain(error: FrameError, language: str) -> str:
    """Returns what is wrong with a client's frame."""
    return (_EN if language == "en" else _ES)[error.fault].format(detail=error.detail)


def resume_failed(language: str) -> str:
    return _RESUME_FAILED[language]


def connected(language: str) -> str:
    return _CONNECTED[language]
