"""The agent's own messages to people, in Spanish and English."""

from __future__ import annotations

import msgspec


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """The messages in one language; placeholders are named after their values."""

    started: str
    reading_input: str
    asking_model: str
    interrupted: str
    tool_interrupted: str
    unknown_tool: str
    bad_arguments: str
    empty_input: str
    invalid_text: str
    input_too_large: str
    deadline: str
    step_limit: str
    thread_busy: str
    empty_answer: str
    llm_gateway_unavailable: str
    toolbox_unavailable: str


_ES = Texts(
    started="Empezando",
    reading_input="Leyendo la pregunta",
    asking_model="Consultando al modelo {model}",
    interrupted="[respuesta interrumpida]",
    tool_interrupted="La llamada se interrumpió antes de terminar; no se sabe si tuvo efecto.",
    unknown_tool="No hay ninguna herramienta llamada '{name}'. Las que hay: {known}.",
    bad_arguments="Los argumentos no son un objeto JSON: {args}",
    empty_input="La pregunta está vacía.",
    invalid_text="El campo '{field}' tiene caracteres que no son Unicode válido.",
    input_too_large="La pregunta tiene {length} caracteres; el máximo es {limit}.",
    deadline="La respuesta no llegó en {seconds} s.",
    step_limit="El modelo pidió herramientas {steps} veces seguidas sin llegar a una respuesta.",
    thread_busy="Hay demasiadas preguntas en espera en esta conversación.",
    empty_answer="El modelo no respondió nada.",
    llm_gateway_unavailable="No se puede hablar con los modelos ahora mismo: el gateway no responde.",
    toolbox_unavailable="No se pueden usar las herramientas ahora mismo: su servidor no responde.",
)

_EN = Texts(
    started="Starting",
    reading_input="Reading the question",
    asking_model="Asking the model {model}",
    interrupted="[answer interrupted]",
    tool_interrupted="The call was interrupted before it ended; whether it had an effect is not known.",
    unknown_tool="There is no tool called '{name}'. There are: {known}.",
    bad_arguments="The arguments are not a JSON object: {args}",
    empty_input="The question is empty.",
    invalid_text="The field '{field}' has characters that are not valid Unicode.",
    input_too_large="The question has {length} characters; the limit is {limit}.",
    deadline="The answer did not come within {seconds} s.",
    step_limit="The model asked for tools {steps} times in a row without coming to an answer.",
    thread_busy="Too many questions are waiting in this conversation.",
    empty_answer="The model answered nothing.",
    llm_gateway_unavailable="The models cannot be asked right now: the gateway does not answer.",
    toolbox_unavailable="The tools cannot be used right now: their server does not answer.",
)


def texts(language: str) -> Texts:
    """The texts in `language` (`es` or `en`)."""
    return _EN if language == "en" else _ES
