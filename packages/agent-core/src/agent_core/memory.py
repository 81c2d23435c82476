"""Retrieves passages about a question from the user's memory, which the model is given before it answers."""

from __future__ import annotations

import asyncio

import msgspec
from service_kit.telemetry.logs import get_logger

from agent_core.clients.toolbox import Toolbox
from agent_core.errors import ToolboxUnavailable
from agent_core.state import RunContext
from agent_core.steps import Passage

_log = get_logger(__name__)

TOOL = "recuperar_contexto"
_MOST_QUESTION_CHARS = 4000
_TIMEOUT_SECONDS = 5.0


class _Found(msgspec.Struct, frozen=True):
    """A passage as the toolbox's memory answers it."""

    texto: str
    puntuacion: float
    titulo: str = ""
    fuente: str | None = None


class MemoryRetriever:
    """Asks the toolbox's memory for at most `passages` passages that score `min_score` (cosine similarity) or more."""

    def __init__(self, toolbox: Toolbox, *, passages: int, min_score: float) -> None:
        self._toolbox = toolbox
        self._passages = passages
        self._min_score = min_score

    @property
    def available(self) -> bool:
        """Whether the toolbox has a memory and passages are wanted."""
        return self._passages > 0 and any(tool.name == TOOL for tool in self._toolbox.known_tools)

    async def retrieve(self, question: str, run: RunContext) -> list[Passage]:
        """Returns the passages that score high enough, best first; none when the memory fails or takes over five
        seconds, so that the question is answered without it."""
        args = {"pregunta": question[:_MOST_QUESTION_CHARS], "k": self._passages}
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self._toolbox.call(TOOL, args, caller=run.caller, deadline=run.deadline)
            found = [] if answer.is_error else msgspec.json.decode(answer.text, type=list[_Found])
        except (ToolboxUnavailable, TimeoutError, msgspec.MsgspecError) as error:
            _log.warning("memory not asked", error=repr(error))
            return []
        if answer.is_error:
            _log.warning("memory failed", error=answer.text[:300])
        return [
            Passage(source=one.fuente or one.titulo, score=one.puntuacion, text=one.texto)
            for one in found
            if one.puntuacion >= self._min_score
        ]
