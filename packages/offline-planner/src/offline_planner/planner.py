"""The offline model: a deterministic planner that answers a request by calling the tools it offers.

It holds no state: each time it reads the last question, plans the calls, sees which of them the conversation
already has results for, and either makes the next ones or words the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from . import asking, formats, language, leads, memory, transcript, wording
from . import tokens as counting
from .building import Builder
from .cards import Card, read
from .conversation import Answer, FinishReason, Part, Refusal, Request, Text, ToolCall
from .folding import phrase_table
from .forcing import forced_call
from .lexer import Token, tokenize
from .lexicon import Language
from .phrases import Phrases, speak
from .plan import MOST_CALLS, Plan
from .progress import Progress
from .requests import Grammar, Understood
from .transcript import Transcript

MODEL = "offline-planner-1"

# Longer questions are planned each time they come, so that the memory held is bounded.
_KEPT = 2_000
_MESSAGE_TOKENS = 3
_SHOWN = 120
_HELP = phrase_table(
    "ayuda|ayudame|help|help me|que puedes hacer|que sabes hacer|what can you do|quien eres|who are you"
    "|what are you|que sabes|que eres|que puedo pedirte|what can i ask|como funcionas|que haces|what do you do"
    "|que herramientas tienes|what tools do you have|how can you help|how can you help me|en que puedes ayudarme"
    "|en que me puedes ayudar|que puedes hacer por mi|what else can you do|como te llamas|what's your name"
    "|what is your name|eres un modelo|are you a robot|eres un robot|necesito ayuda|i need help"
    "|lista tus herramientas|list your tools|que mas puedes hacer|cuales son tus herramientas|what are your tools"
    "|are you a language model|eres un modelo de lenguaje|para que sirves|show me what you can do"
    "|que puedes hacer tu|what can you do for me|eres chatgpt|are you chatgpt|que cosas sabes hacer"
    "|que cosas puedes hacer"
)
_THANKS = frozenset(("gracias", "thanks", "thank", "thx"))
_GREETINGS = phrase_table(
    "como estas|how are you|how are you doing|que tal|adios|bye|goodbye|como va|hasta luego|perfecto|genial|great"
    "|que tal estas"
)


def plan(request: Request) -> Answer:
    """Returns the whole answer to a request: tool calls to make, or text. Does no I/O; no request makes it raise."""
    cards = tuple(read(tool) for tool in request.tools)
    parts = _Answer(request, cards).give()
    reason: FinishReason
    if any(isinstance(part, ToolCall) for part in parts):
        parts, reason = _fitting_calls(parts, request.max_tokens)
    else:
        parts, reason = _fitting_text(parts, request)
    return Answer(
        content=parts,
        finish_reason=reason,
        prompt_tokens=_prompt_tokens(request, cards),
        completion_tokens=sum(_size(part) for part in parts),
    )


class _Read(msgspec.Struct, frozen=True, gc=False):
    """The question's words, and its language if they tell one."""

    tokens: list[Token]
    language: Language | None


def _read(question: str) -> _Read:
    return _kept_read(question) if len(question) <= _KEPT else _kept_read.__wrapped__(question)


@lru_cache(maxsize=256)
def _kept_read(question: str) -> _Read:
    tokens = leads.merge(tokenize(question).tokens)
    return _Read(tokens, language.detect(tokens))


def _planned(question: str, cards: tuple[Card, ...], tongue: Language | None, has_history: bool) -> Plan:
    """Returns the plan of a question; kept, since each call's result brings the same question again."""
    make = _kept_plan if len(question) <= _KEPT else _kept_plan.__wrapped__
    return make(question, cards, tongue, has_history)


@lru_cache(maxsize=256)
def _kept_plan(question: str, cards: tuple[Card, ...], tongue: Language | None, has_history: bool) -> Plan:
    understood: Understood = Grammar(question, cards, tongue, has_history).understand()
    return Builder(cards, has_history).build(understood)


class _Answer:
    """One request on its way to an answer."""

    def __init__(self, request: Request, cards: tuple[Card, ...]) -> None:
        self._request = request
        self._choice = request.tool_choice.mode if request.tool_choice else "auto"
        self._offered = cards
        self._transcript: Transcript = transcript.read(request)
        read_ = _read(self._transcript.question)
        self._tokens = read_.tokens
        self._told: Language | None = read_.language
        self._language: Language = self._told or language.of_first(self._transcript.context()) or "es"
        self._phrases: Phrases = speak(self._language)

    def give(self) -> tuple[Part, ...]:
        """Returns the calls to make now, or the text that ends the turn."""
        cards = self._offered
        if self._choice == "tool":
            name = self._request.tool_choice.name if self._request.tool_choice else None
            cards = tuple(card for card in cards if card.name == name)
            if not cards:
                return (Text(self._phrases.unknown_tool.format(tool=name)),)
        made = self._plan(cards)
        progress = Progress(made, self._transcript)
        if self._choice != "none":
            ready = progress.ready()
            if ready and len(self._transcript.executed) >= 2 * MOST_CALLS:
                return (Text(self._phrases.stopped),)
            if ready:
                return tuple(ready[:1] if self._request.parallel_tool_calls is False else ready)
        return self._said(made, progress)

    def _plan(self, cards: tuple[Card, ...]) -> Plan:
        question, has_history = self._transcript.question, self._transcript.history is not None
        made = _planned(question, cards, self._told, has_history)
        if made.calls or self._choice not in ("required", "tool"):
            return made
        return forced_call(question, self._tokens, cards, self._told) or made

    def _said(self, made: Plan, progress: Progress) -> tuple[Part, ...]:
        text = self._text(made, progress)
        if self._transcript.has_image:
            text = f"{text}\n\n{self._phrases.image}"
        wanted = self._request.response_format
        if wanted is None or wanted.type == "text":
            return (Text(text),)
        last = [progress.text_of(earlier) for earlier in made.results()]
        form = formats.as_json(wanted, text, [result for result in last if result is not None])
        return (Refusal(f"{self._phrases.schema} {text}"),) if form is None else (Text(form),)

    def _text(self, made: Plan, progress: Progress) -> str:
        lines = wording.Wording(made, progress, self._phrases, may_call=self._choice != "none").lines()
        if made.problem is None and lines:
            return "\n\n".join([wording.numbered(lines), *self._notes(made)])
        if progress.unplanned:
            # The results of calls that another model planned answer the question; only they are said.
            return wording.numbered(lines)
        talk = self._small_talk()
        if talk:
            return talk
        if made.problem is None:
            return self._introduction()
        if made.problem.trouble in ("no_tool", "unclear", "number") and (kept := self._remembered()):
            return kept
        said = asking.explain(made.problem, self._phrases, self._language)
        return f"{said}\n\n{self._introduction()}" if made.problem.trouble == "no_tool" else said

    def _notes(self, made: Plan) -> list[str]:
        """How numbers were read that are written otherwise elsewhere."""
        numbers = ", ".join(f"{written} = {value:f}" for written, value in dict(made.notes).items())
        return [self._phrases.read_as.format(numbers=numbers)] if numbers else []

    def _remembered(self) -> str:
        """The passages that the user's memory has about the question, quoted with their source."""
        prompts = [message.text() for message in reversed(self._transcript.before) if message.role == "system"]
        quoted = [
            self._phrases.passage.format(text=" ".join(one.text.split()))
            + (f" ({self._phrases.source.format(source=one.source)})" if one.source else "")
            for one in memory.passages(prompts)
        ]
        return "\n\n".join([self._phrases.remembered, *quoted]) if quoted else ""

    def _small_talk(self) -> str:
        """Returns an answer to a greeting, to thanks, to silence, or to "what can you do?"; "" to anything else."""
        phrases = self._phrases
        question = self._transcript.question
        if not question.strip():
            return f"{phrases.empty}\n\n{self._introduction()}"
        start, end, _ = leads.trim(self._tokens, 0, len(self._tokens))
        words = tuple(token.folded for token in self._tokens[start:end] if token.text not in "?¿.,!")
        if not words:
            said = {token.folded for token in self._tokens}
            if said & _THANKS:
                return phrases.thanks
            if any(token.kind == "word" for token in self._tokens):
                return f"{phrases.greeting} {self._introduction()}"
            step = question.strip()[:_SHOWN]
            return f"{phrases.no_tool.format(step=step)}\n\n{self._introduction()}"
        if words in _GREETINGS:
            return f"{phrases.greeting} {self._introduction()}"
        return self._introduction() if words in _HELP else ""

    def _introduction(self) -> str:
        phrases = self._phrases
        able = wording.abilities(self._offered, phrases, self._language)
        return f"{phrases.identity}\n\n{able}\n\n{phrases.real_model}"


# --- limits and counting ---------------------------------------------------------------------------------


def _fitting_calls(parts: tuple[Part, ...], limit: int | None) -> tuple[tuple[Part, ...], FinishReason]:
    """Returns the calls that fit whole: half a call is of no use to anyone."""
    if limit is None:
        return parts, "tool_calls"
    kept: list[Part] = []
    for part in parts:
        limit -= _size(part)
        if limit < 0:
            break
        kept.append(part)
    return tuple(kept), "tool_calls" if len(kept) == len(parts) else "length"


def _fitting_text(parts: tuple[Part, ...], request: Request) -> tuple[tuple[Part, ...], FinishReason]:
    """Returns the text up to the first stop sequence, at most `max_tokens` long."""
    part = parts[0]
    if not isinstance(part, Text):
        return parts, "stop"
    text = part.text
    ends = [place for place in (text.find(stop) for stop in request.stop if stop) if place >= 0]
    text = text[: min(ends)] if ends else text
    reason: FinishReason = "stop"
    if request.max_tokens is not None:
        cut = counting.first(text, max(request.max_tokens, 0))
        text, reason = cut, "stop" if cut == text else "length"
    return ((Text(text),) if text else ()), reason


def _prompt_tokens(request: Request, cards: Sequence[Card]) -> int:
    messages = sum(_MESSAGE_TOKENS + sum(map(_size, message.content)) for message in request.messages)
    return messages + sum(card.size for card in cards)


def _size(part: Part) -> int:
    if isinstance(part, ToolCall):
        return counting.count(part.name) + counting.count(part.arguments)
    return counting.count(part.text) if isinstance(part, (Text, Refusal)) else 0
