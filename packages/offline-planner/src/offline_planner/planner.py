"""The offline model: a deterministic planner that answers a request by calling the tools it offers.

It holds no state: each time it reads the last question, plans the calls, sees which of them the conversation
already has results for, and either makes the next ones or words the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from . import formats, language, lexer, reading, transcript, wording
from . import tokens as counting
from .building import Builder
from .calls import MOST_CALLS, Plan
from .cards import Card, read
from .conversation import Answer, FinishReason, Part, Refusal, Request, Text, ToolCall
from .lexer import Token
from .lexicon import Language
from .phrases import Phrases, speak
from .progress import Progress
from .transcript import Transcript

MODEL = "offline-planner-1"

# Requests are read this far; what lies beyond is text for a tool, whatever its length.
_INSTRUCTION = 16_384
# Longer questions are planned each time they come, so that the memory held is bounded.
_KEPT = 2_000
_MESSAGE_TOKENS = 3
_SHOWN = 120
_HELP = (
    frozenset(("ayuda",)), frozenset(("ayudame",)), frozenset(("help",)), frozenset(("puedes", "hacer")),
    frozenset(("can", "you", "do")), frozenset(("quien", "eres")), frozenset(("who", "are", "you")),
    frozenset(("what", "are", "you")), frozenset(("que", "sabes")), frozenset(("que", "eres")),
)  # fmt: skip
_THANKS = frozenset(("gracias", "thanks", "thank you"))


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


def _understood(question: str) -> tuple[list[Token], Language | None]:
    """Returns the question's tokens and its language, if it tells."""
    return _kept_tokens(question) if len(question) <= _KEPT else _kept_tokens.__wrapped__(question)


@lru_cache(maxsize=256)
def _kept_tokens(question: str) -> tuple[list[Token], Language | None]:
    tokens = lexer.tokenize(question, _INSTRUCTION)
    return tokens, language.detect(question, tokens)


def _planned(question: str, cards: tuple[Card, ...], tongue: Language, has_history: bool, forced: bool) -> Plan:
    """Returns the plan of a question; kept, since each call's result brings the same question again."""
    make = _kept_plan if len(question) <= _KEPT else _kept_plan.__wrapped__
    return make(question, cards, tongue, has_history, forced)


@lru_cache(maxsize=256)
def _kept_plan(question: str, cards: tuple[Card, ...], tongue: Language, has_history: bool, forced: bool) -> Plan:
    tokens = reading.read_numbers(_understood(question)[0], tongue)
    return Builder(cards, question, has_history=has_history, forced=forced).build(tokens)


class _Answer:
    """One request on its way to an answer."""

    def __init__(self, request: Request, cards: tuple[Card, ...]) -> None:
        self._request = request
        self._choice = request.tool_choice.mode if request.tool_choice else "auto"
        self._offered = cards
        self._transcript: Transcript = transcript.read(request)
        self._tokens, tongue = _understood(self._transcript.question)
        self._language: Language = tongue or language.of_first(self._transcript.context()) or "es"
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
        made = _planned(question, cards, self._language, has_history, False)
        if made.calls or self._choice not in ("required", "tool"):
            return made
        return _planned(question, cards, self._language, has_history, True)

    def _said(self, made: Plan, progress: Progress) -> tuple[Part, ...]:
        text = self._text(made, progress)
        if self._transcript.has_image:
            text = f"{text}\n{self._phrases.image}"
        wanted = self._request.response_format
        if wanted is None or wanted.type == "text":
            return (Text(text),)
        last = [progress.text_of(earlier) for earlier in made.results()]
        form = formats.as_json(wanted, text, [result for result in last if result is not None])
        return (Refusal(f"{self._phrases.schema} {text}"),) if form is None else (Text(form),)

    def _text(self, made: Plan, progress: Progress) -> str:
        if not made.calls and not progress.unplanned:
            talk = self._small_talk(made)
            if talk:
                return talk
        words = wording.Wording(made, progress, self._phrases, may_call=self._choice != "none")
        lines = words.lines()
        paragraphs = [wording.numbered(lines)] if lines else []
        if not made.calls and any(outcome.trouble == "no_tool" for outcome in made.outcomes):
            if progress.unplanned:
                # The results of calls that another model planned answer the question; only they are said.
                return wording.numbered(lines[len(made.outcomes) :])
            return "\n".join([*paragraphs, self._introduction()])
        if any(outcome.trouble == "no_tool" for outcome in made.outcomes):
            paragraphs.append(wording.abilities(self._offered, self._phrases))
        return "\n".join(paragraphs)

    def _small_talk(self, made: Plan) -> str:
        """Returns an answer to a greeting, to thanks, to silence, or to "what can you do?"; "" to anything else."""
        phrases = self._phrases
        said = {token.folded for token in self._tokens}
        question = self._transcript.question.strip()
        if not question:
            return f"{phrases.empty}\n{self._introduction()}"
        if all(token.kind in ("mark", "operator") for token in self._tokens):
            step = f"{phrases.open_quote}{question[:_SHOWN]}{phrases.close_quote}"
            return f"{phrases.no_tool.format(step=step)}\n{self._introduction()}"
        if all(token.kind in ("mark", "operator") or token.entry.part == "filler" for token in self._tokens):
            if said & _THANKS:
                return phrases.thanks
            return f"{phrases.greeting} {self._introduction()}"
        if any(words <= said for words in _HELP):
            return self._introduction()
        return ""

    def _introduction(self) -> str:
        phrases = self._phrases
        return f"{phrases.identity}\n{wording.abilities(self._offered, phrases)}\n{phrases.real_model}"


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
