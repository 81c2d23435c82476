"""Which model answers: the body's choice, else a directive in the prompt, else the default.

A directive is an order to the agent, not a topic: "usa gemini, multiplica 7 por 8" is one, "¿qué es AWS?" is none.
It counts in three places, and is cut out of what the model sees:

* at the start: `usa|use NAME` and `con|with|using|usando NAME`, before a pause or the task itself;
* as a clause of its own: "suma 2 y 3, usa gemini";
* at the end of a task: "suma 2 y 3 usando gemini".

Elsewhere, in quotes and after a colon it is text to work on. In doubt nothing is selected: a wrong model is a
worse surprise than the default one. Everything here is pure.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

GPT, GEMINI, NOVA, OFFLINE, OLLAMA = "gpt-4o", "gemini-pro", "bedrock-nova-pro", "offline", "ollama"

_MODELS = {
    "openai": GPT, "gpt": GPT, "gpt-4": GPT, "gpt-4o": GPT, "gpt4": GPT, "gpt4o": GPT,
    "gemini": GEMINI, "gemini-pro": GEMINI, "google": GEMINI, "google-gemini": GEMINI,
    "bedrock": NOVA, "nova": NOVA, "aws": NOVA, "amazon": NOVA, "nova-pro": NOVA, "amazon-nova": NOVA,
    "aws-bedrock": NOVA, "amazon-nova-pro": NOVA, "amazon-bedrock": NOVA,
    "bedrock-nova": NOVA, "bedrock-nova-pro": NOVA,
    "offline": OFFLINE, "ollama": OLLAMA,
}  # fmt: skip
# Companies are mentioned for many other reasons ("inicia sesión con Google"), so they need clearer orders.
_COMPANIES = frozenset({"openai", "google", "aws", "amazon"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TASKS = _words(
    "suma sumar sume resta restar multiplica multiplicar multiplique divide dividir calcula calcular calcule convierte "
    "convertir convierta pasa cuenta contar cuente traduce traducir resume resumir "
    "add sum subtract multiply divide calculate compute convert count translate summarize summarise uppercase"
)
_ORDERS = _TASKS | _words(
    "dime di explica explicame responde contesta escribe haz genera lista busca muestra crea analiza corrige ordena "
    "consulta reescribe tell say explain answer reply write make generate list find show create analyze analyse fix "
    "sort give rewrite"
)
_QUESTIONS = _words(
    "que cual cuales cuanto cuanta cuantos cuantas como quien donde cuando por what which how who where when why is "
    "are can could do does"
)
_CONNECTORS = ("para", "to", "y", "and")

_NAME = "|".join(re.escape(name).replace(r"\-", "[- ]") for name in sorted(_MODELS, key=len, reverse=True))
_DIRECTIVE = re.compile(
    r"(?<![\w'’-])(?P<verb>usa|use|usar|usando|utiliza|utilice|utilizando|con|with|using)\s+"
    r"(?:(?:el|the)\s+)?(?:(?:modelo|model)\s+)?"
    rf"(?P<name>{_NAME})(?:\s+(?:modelo|model))?(?!\w|[-/@]\w|\.\w)(?:,?\s+(?:por\s+favor|please)\b)?"
)
_NEXT_NAME = re.compile(rf"\s*(?:{_NAME})\b")
_GREETING = re.compile(r"[\s¡!]*(?:(?:por\s+favor|please|hola|hi|hello|hey|oye|buenas|ok)\b[\s,.:;!]*)*")
_PAUSE = re.compile(r"\s*[,.:;!\n–—-]+\s*")
_WORD = re.compile(r"[^\W_]+")
_PAYLOAD = re.compile(r"[:\"“«`]|(?<!\w)['‘]")
_END = re.compile(r"[\s.!)\]]*\??\s*$")
_TAIL_CHARS = 120


@dataclass(frozen=True)
class ModelChoice:
    """The model that was chosen, and the text that it gets to see."""

    model: str
    text: str


def choose_model(body_model: str | None, prompt: str, default: str) -> ModelChoice:
    """The model for `prompt`; a directive is cut out even when the body's choice beats it."""
    directive = _find(prompt)
    if directive is None:
        return ModelChoice(body_model or default, prompt)
    return ModelChoice(body_model or directive.model, directive.rest or prompt)


@dataclass(frozen=True)
class _Directive:
    model: str
    rest: str


def _find(prompt: str) -> _Directive | None:
    folded = _fold(prompt)
    return _at_start(prompt, folded) or _as_clause(prompt, folded) or _at_end(prompt, folded)


def _fold(text: str) -> str:
    """`text` in lower case without accents, character for character."""
    return "".join(_fold_char(char) for char in text) if not text.isascii() else text.lower()


def _fold_char(char: str) -> str:
    folded = unicodedata.normalize("NFD", char)[0].lower()
    return folded if len(folded) == 1 else char


def _model(match: re.Match[str]) -> str:
    return _MODELS[_name(match)]


def _name(match: re.Match[str]) -> str:
    return match["name"].replace(" ", "-")


def _at_start(prompt: str, folded: str) -> _Directive | None:
    greeting = _GREETING.match(folded)
    begin = greeting.end() if greeting else 0
    match = _DIRECTIVE.match(folded, begin)
    if match is None:
        return None
    end = _end_of_order(match, folded)
    if end is not None and _is_product(match, prompt):
        return None
    if end is None:
        return None
    return _Directive(_model(match), (prompt[:begin] + prompt[end:]).strip() if prompt[end:].strip() else "")


def _end_of_order(match: re.Match[str], folded: str) -> int | None:
    """Where the task begins after a directive at the start; None when what follows makes it no order."""
    end = match.end()
    imperative = match["verb"] not in ("con", "with")
    if _END.fullmatch(folded, end):
        return None if not imperative or "?" in folded[end:] else len(folded)
    pause = _PAUSE.match(folded, end)
    after = pause.end() if pause else end
    word = _WORD.search(folded, after)
    next_word = word.group() if word else ""
    if _names_another(folded, after):
        return None
    if pause:
        needs_order = not imperative and _name(match) in _COMPANIES
        return after if not needs_order or next_word in _ORDERS else None
    if next_word in _ORDERS or (imperative and next_word in _QUESTIONS):
        return after
    if imperative and word and next_word in _CONNECTORS:
        return word.end() + 1
    return None


def _is_product(match: re.Match[str], prompt: str) -> bool:
    """Whether a company's name goes on as that of a product, in capitals: "Google Translate"."""
    following = prompt[match.end() :].lstrip(" ")[:2]
    return _name(match) in _COMPANIES and following[:1].isupper() and not following.isupper()


def _names_another(folded: str, position: int) -> bool:
    """Whether the text goes on with one more name: "usa Google, Amazon y Microsoft" is a list, not an order."""
    return _NEXT_NAME.match(folded, position) is not None


def _as_clause(prompt: str, folded: str) -> _Directive | None:
    payload = _PAYLOAD.search(folded)
    for match in _DIRECTIVE.finditer(folded, 0, payload.start() if payload else len(folded)):
        begin, end = match.start(), match.end()
        while begin and folded[begin - 1] in " \t":
            begin -= 1
        if match["verb"] in ("con", "with") or begin == 0 or folded[begin - 1] not in ",.;(\n":
            continue
        if _END.fullmatch(folded, end) and "?" not in folded[end:]:
            return _Directive(_model(match), prompt[:begin].rstrip(" ,;("))
        if folded[end : end + 1] in (",", ".", ";", ")") and not _names_another(folded, end + 1):
            rest = prompt[:begin].rstrip(" ,.;(") + ", " + prompt[end:].lstrip(" ,.;)")
            return _Directive(_model(match), rest.strip())
    return None


def _at_end(prompt: str, folded: str) -> _Directive | None:
    tail = max(0, len(folded) - _TAIL_CHARS)
    match = next((found for found in _DIRECTIVE.finditer(folded, tail) if _END.fullmatch(folded, found.end())), None)
    if match is None or match["verb"] in ("usa", "use", "usar", "utiliza", "utilice"):
        return None
    before = folded[: match.start()]
    if _PAYLOAD.search(before) or not _is_task(before):
        return None
    if match["verb"] in ("con", "with") and _name(match) in _COMPANIES:
        return None
    mark = "?" if "?" in folded[match.end() :] else ""
    return _Directive(_model(match), prompt[: match.start()].rstrip(" ,;") + mark)


def _is_task(text: str) -> bool:
    """Whether `text` is a self-contained order ("suma 2 y 3") or sum ("¿cuánto es 2 + 3"), not a topic."""
    greeting = _GREETING.match(text)
    words = _WORD.findall(text, greeting.end() if greeting else 0)
    if not words:
        return False
    if words[0] in _TASKS:
        return "how" not in words and "como" not in words
    return words[0] in ("cuanto", "what") and any(word.isdigit() for word in words)
