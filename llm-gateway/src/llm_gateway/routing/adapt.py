"""What a model can take: a request as it is, without a few of its parameters, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from llm_gateway.canonical import Image, Request
from llm_gateway.canonical.parameters import OPTIONAL, given, without
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.providers import Provider
from llm_gateway.providers.emulated_tools import EMULATED_TOOLS
from llm_gateway.routing.system_prompt import instructed

_BLANK = Request(model="", messages=())
_TOOL_WORDS = ("tools", "tool_choice", "parallel_tool_calls")


class _Lacks:
    """The parameters that a kind of model lacks."""

    __slots__ = ("_blank", "_values", "names")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._values: Callable[[Request], Any] = attrgetter(*names) if names else lambda _: None
        self._blank = self._values(_BLANK)

    def says_nothing_of(self, request: Request) -> bool:
        """Whether `request` leaves all of them as they are by default: one look, for what is nearly always so."""
        return self._values(request) == self._blank


class RequestAdapter:
    """Cuts requests to what models take. What a kind of model lacks is found once, not for each request."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers
        self._lacks: dict[tuple[str, frozenset[str], tuple[str, ...]], _Lacks] = {}

    def fit(self, request: Request, model: Model, drop: frozenset[str]) -> tuple[Request, tuple[str, ...]]:
        """Returns `request` with the model's own system prompt and as `model` takes it, and the names of what was left
        out; `drop` may be, beyond what the catalog lets go.

        Raises:
            InvalidRequest: names the parameter that the model lacks.
        """
        if model.system_prompt is not None:
            request = instructed(request, model.system_prompt)
        lacks = self._lacks.get(model.kind)
        if lacks is None:
            lacks = self._lacks[model.kind] = self._lacked(model)
        if lacks.says_nothing_of(request) and (not request.tools or _calls_tools(model)):  # as it nearly always is
            check_supported(request, model)
            return request, ()
        lacking = [name for name in lacks.names if given(request, name)]
        if request.tools and not _calls_tools(model):
            lacking += [name for name in _TOOL_WORDS if name not in lacking and given(request, name)]
        return self._without(request, model, lacking, drop)

    @staticmethod
    def _without(
        request: Request, model: Model, lacking: list[str], drop: frozenset[str]
    ) -> tuple[Request, tuple[str, ...]]:
        allowed = model.drop_params | drop
        for name in lacking:
            if name not in allowed and not (name in _TOOL_WORDS and "tools" in allowed and "tools" in lacking):
                raise _unsupported(name, _why(name, model))
        left_out = tuple(lacking)
        fitted = without(request, left_out)
        check_supported(fitted, model)
        return fitted, left_out

    def _lacked(self, model: Model) -> _Lacks:
        carried = self._providers[model.endpoint.dialect].carries(model)
        return _Lacks(tuple(name for name in OPTIONAL if name not in carried or name in model.lacks))


def check_supported(request: Request, model: Model) -> None:
    """Refuses what the catalog says a model lacks; an unlisted model is not judged.

    Raises:
        InvalidRequest: names the parameter.
    """
    if not model.supports:
        return
    if "embeddings" in model.supports:
        raise InvalidRequest(
            f"model: '{model.name}' gives embeddings, not answers", param="model", code="chat_not_supported"
        )
    if request.tools and not _calls_tools(model):
        raise _unsupported("tools", _why("tools", model))
    if "vision" not in model.supports and _has_images(request):
        raise _unsupported("messages", f"'{model.name}' takes no images")


def _calls_tools(model: Model) -> bool:
    supports = model.supports
    return not supports or "tools" in supports or EMULATED_TOOLS in supports


def _why(name: str, model: Model) -> str:
    return f"'{model.name}' has no tool calling" if name == "tools" else f"'{model.name}' does not take it"


def _unsupported(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: {why}", param=param, code="unsupported_parameter")


def _has_images(request: Request) -> bool:
    for message in request.messages:
        for part in message.content:
            if type(part) is Image:
                return True
    return False
