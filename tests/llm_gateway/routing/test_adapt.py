"""What a model lacks: refused by name, or left out where that was allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Image, Message, Request, ResponseFormat, Tool, ToolChoice
from llm_gateway.canonical.parameters import EVERYTHING, MEANING, OPTIONAL, UnknownParameter, droppable
from llm_gateway.canonical.parameters import given as says
from llm_gateway.errors import InvalidRequest
from llm_gateway.routing.adapt import RequestAdapter
from llm_gateway.routing.options import CallOptions
from msgspec.structs import replace

from tests.llm_gateway import values
from tests.llm_gateway.routing.stage import ASK, Scripted, Stage, model, route

SAID: dict[str, Any] = {
    "tools": (Tool(name="f"),), "tool_choice": ToolChoice(mode="required"), "parallel_tool_calls": False,
    "response_format": ResponseFormat(type="json_object"), "temperature": 0.5, "top_p": 0.5, "top_k": 5,
    "max_tokens": 5, "stop": ("x",), "seed": 7, "presence_penalty": 0.5, "frequency_penalty": 0.5,
    "logit_bias": {"1": 1.0}, "n": 2, "logprobs": True, "top_logprobs": 2, "reasoning_effort": "low",
    "reasoning_budget": 2000,
}  # fmt: skip


def test_every_parameter_is_here():
    assert set(SAID) == set(OPTIONAL)


def fitting(carries: frozenset[str]) -> RequestAdapter:
    return RequestAdapter({"openai_chat": Scripted(carries)})


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_a_provider_lacks_is_refused_by_name(name: str):
    request = replace(ASK, **{name: SAID[name]})
    with pytest.raises(InvalidRequest) as caught:
        fitting(EVERYTHING - {name}).fit(request, model(), frozenset())
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unsupported_parameter", name)
    with pytest.raises(InvalidRequest) as caught:
        fitting(EVERYTHING).fit(request, model(lacks=(name,)), frozenset())
    assert caught.value.param == name


@pytest.mark.parametrize("name", OPTIONAL)
def test_or_left_out_when_it_is_named(name: str):
    request = replace(ASK, **{name: SAID[name]})
    for at, drop in ((model(drop_params=frozenset({name})), frozenset[str]()), (model(), frozenset({name}))):
        assert fitting(EVERYTHING - {name}).fit(request, at, drop) == (ASK, (name,))


def test_what_is_carried_is_never_left_out():
    request = replace(ASK, **SAID)
    assert fitting(EVERYTHING).fit(request, model(), droppable(OPTIONAL)) == (request, ())


@pytest.mark.parametrize("name", OPTIONAL)
def test_all_is_all_without_a_meaning_of_its_own(name: str):
    request, cut = replace(ASK, **{name: SAID[name]}), fitting(EVERYTHING - {name})
    if name in MEANING:
        with pytest.raises(InvalidRequest):
            cut.fit(request, model(), droppable(["all"]))
    else:
        assert cut.fit(request, model(), droppable(["all"])) == (ASK, (name,))


def test_harmless_values_are_no_wish():
    quiet = replace(ASK, n=1, logprobs=False, parallel_tool_calls=True, response_format=ResponseFormat(type="text"))
    assert fitting(frozenset()).fit(quiet, model(), frozenset()) == (quiet, ())


def test_tools_go_with_all_that_speaks_of_them():
    request = replace(ASK, tools=SAID["tools"], tool_choice=SAID["tool_choice"], parallel_tool_calls=False)
    at = model(supports=("stream",))
    with pytest.raises(InvalidRequest) as caught:
        fitting(EVERYTHING).fit(request, at, droppable(["all"]))
    assert caught.value.param == "tools"
    fitted, dropped = fitting(EVERYTHING).fit(request, at, droppable(["tools"]))
    assert fitted == ASK and set(dropped) == {"tools", "tool_choice", "parallel_tool_calls"}


def test_images_are_not_a_parameter():
    request = replace(ASK, messages=(Message(role="user", content=(Image(url="https://x.test"),)),))
    with pytest.raises(InvalidRequest) as caught:
        fitting(EVERYTHING).fit(request, model(supports=("stream",)), droppable(["all"]))
    assert caught.value.param == "messages"


@pytest.mark.parametrize("name", ["temprature", "", "ALL", "messages"])
def test_a_name_that_means_nothing_is_refused(name: str):
    with pytest.raises(UnknownParameter):
        droppable(["seed", name])


@given(
    request=values.requests,
    carries=st.frozensets(st.sampled_from(OPTIONAL)),
    drop=st.frozensets(st.sampled_from(OPTIONAL)),
)
def test_whatever_is_asked_what_is_left_can_be_said(request: Request, carries: frozenset[str], drop: frozenset[str]):
    try:
        fitted, dropped = fitting(carries).fit(request, model(), drop)
    except InvalidRequest as error:
        assert error.param in OPTIONAL and error.param not in carries and error.param not in drop
        return
    assert set(dropped) <= drop and not set(dropped) & carries
    assert not [name for name in OPTIONAL if name not in carries and says(fitted, name)]
    assert replace(fitted, **{name: getattr(request, name) for name in dropped}) == request


async def test_each_model_of_a_route_is_given_what_it_takes():
    stage = Stage(Scripted(main=[ValueError("never")], spare=[values.said("x")]))
    request = replace(ASK, seed=7, top_k=3)
    stage.breakers.cool_down(model().deployment, 60)
    way = route(model(lacks=("seed",)), model("spare", lacks=("top_k",)))
    answered = await stage.router.complete(request, way, CallOptions(drop=frozenset({"seed", "top_k"})))
    assert answered.dropped == ("top_k",) and stage.scripted.requests == [replace(ASK, seed=7)]
    assert stage.router.fitted(request, way.targets[0], CallOptions(drop=frozenset({"seed"}))) == (
        way.targets[0],
        replace(ASK, top_k=3),
        ("seed",),
    )
