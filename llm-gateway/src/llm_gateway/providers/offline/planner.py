"""The offline model: a deterministic planner that answers a request by calling the tools it offers.

It holds no state: each time it reads the last question, plans the calls, sees which of them the conversation
already has results for, and either makes the next ones or words the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from llm_gateway.types import Choice, Part, Refusal, Request, Result, Text, ToolCall, Usage

from . import formats, language, lexer, reading, transcript, wording
from . import tokens as counting
from .building import Builder
from .calls import MOST_CALLS, Plan
from .cards import Card, read
from .lexer import Token
from .phrases import Phrases, speak
from .progress import Progress
from .transcript import Transcript

MODEL = "offline-planner-1"

# Requests are read this far; what lies beyond is text for a tool, whatever its length.
_INSTRUCTION = 4_000
_MESSAGE_TOKENS = 3
_HELP = (
    frozenset(("ayuda",)), frozenset(("ayudame",)), frozenset(("help",)), frozenset(("puedes", "hacer")),
    frozenset(("can", "you", "do")), frozenset(("quien", "eres")), frozenset(("who", "are", "you")),
    frozenset(("what", "are", "you")), frozenset(("que", "sabes")), frozenset(("que", "eres")),
)  # fmt: skip
_THANKS = frozenset(("gracias", "thanks", "thank you"))


def plan(request: Request) -> Result:
    """The whole answer to a request: tool calls to make, or text. Never raises, does no I/O."""
    answer = _Answer(request)
    parts, reason = answer.give()
    if not any(isinstance(part, ToolCall) for part in parts):
        parts, cut = _limit(parts, request)
        reason = "length" if cut else "stop"
    usage = Usage(
        prompt_tokens=_prompt_tokens(request, answer.cards),
        completion_tokens=sum(_size(part) for part in parts),
    )
    return Result(choices=(Choice(content=parts, finish_reason=reason),), usage=usage, model=MODEL)
