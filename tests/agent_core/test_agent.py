"""What a run tells and answers, when all goes well."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from agent_core.events import Queued, Response, StepBegun, Token, ToolCall, ToolResult
from agent_core.steps import FinalAnswerStep, LlmStep, ProcessInputStep, ToolExecutionStep
from agent_core.testing import Answer, ErrorEvent, Refusal, call
from agent_core.usage import Usage
from service_kit.errors import ApiError

from tests.waiting import eventually

SUM = Answer(calls=(call("add", {"a": 10, "b": 5}),), tokens=(20, 4))
SAID = Answer("El resultado es **15**.", tokens=(30, 6))


async def test_a_sum_tells_its_steps_in_order(stage):
    stage.gateway.then(SUM, SAID)
    await stage.ask("suma 10 y 5")
    assert stage.told() == [
        "start", "step", "step", "tool_call", "tool_result", "step", "token", "response", "complete",
    ]  # fmt: skip
    steps = [event for event in stage.events if isinstance(event, StepBegun)]
    assert [step.node for step in steps] == ["process_input", "llm", "llm"]
    assert [step.model for step in steps[1:]] == ["offline", "offline"]
    assert stage.events[-1].steps == 5
    assert {event.run_id for event in stage.events} == {"run_1"}
    assert {event.seq for event in stage.events} == {0}


async def test_the_result_has_every_step_and_the_sum_of_usage_and_cost(stage):
    stage.gateway.then(SUM, SAID)
    result = await stage.ask("suma 10 y 5", thread_id="t")
    first, asked, done, said, last = result.steps
    assert isinstance(first, ProcessInputStep) and (first.input, first.model_selected) == ("suma 10 y 5", "offline")
    assert isinstance(asked, LlmStep) and asked.has_tool_calls and asked.answered_by is msgspec.UNSET
    assert isinstance(done, ToolExecutionStep)
    (outcome,) = done.tools
    assert (outcome.name, outcome.args, outcome.result, outcome.is_error) == ("add", {"a": 10, "b": 5}, "15", False)
    assert outcome.duration_ms > 0
    assert isinstance(said, LlmStep) and not said.has_tool_calls
    assert isinstance(last, FinalAnswerStep)
    assert result.result == "El resultado es **15**."
    assert result.usage == Usage(prompt_tokens=50, completion_tokens=10, total_tokens=60)
    assert result.cost_usd == Decimal("0.002")
    assert (result.thread_id, result.run_id, result.provider) == ("t", "run_1", "scripted")
    assert result.fallback_from is msgspec.UNSET


async def test_signed_thoughts_go_back_with_the_message_that_they_belong_to(stage):
    thought = {"text": "hm", "signature": "c2lnbmVk", "provider": "anthropic"}
    stage.gateway.then(replace(SUM, reasoning_details=(thought,)), SAID)
    await stage.ask("suma 10 y 5")
    first, second = stage.gateway.requests
    assert all("reasoning_details" not in message for message in first["messages"])
    (asked,) = [message for message in second["messages"] if message["role"] == "assistant"]
    assert asked["reasoning_details"] == [thought]
    assert asked["tool_calls"]


async def test_the_response_has_the_answer_as_markdown_and_as_safe_html(stage):
    stage.gateway.then(Answer("Es **15** <script>alert(1)</script>"))
    await stage.ask("suma 10 y 5")
    (response,) = [event for event in stage.events if isinstance(event, Response)]
    assert response.content == "Es **15** <script>alert(1)</script>"
    assert "<strong>15</strong>" in response.html and "<script" not in response.html
    assert response.ttft_ms is not None and 0 < response.ttft_ms <= response.latency_ms
    assert "".join(event.content for event in stage.events if isinstance(event, Token)) == response.content


async def test_a_cost_that_is_unknown_in_part_is_unknown_in_whole(stage):
    stage.gateway.then(SUM, Answer("15", cost_usd=None))
    assert (await stage.ask("suma 10 y 5")).cost_usd is None


async def test_a_fallback_is_told_everywhere(stage):
    answer = Answer("56", model="offline", provider="offline", fallback_from="gemini-pro", cost_usd=0)
    stage.gateway.then(answer)
    result = await stage.ask("usa gemini, multiplica 7 por 8")
    assert stage.gateway.requests[0]["model"] == "gemini-pro"
    assert stage.gateway.requests[0]["messages"][-1] == {"role": "user", "content": "multiplica 7 por 8"}
    assert (result.model, result.provider, result.fallback_from) == ("offline", "offline", "gemini-pro")
    assert result.steps[0].model_selected == "gemini-pro"
    assert (result.steps[1].model, result.steps[1].answered_by) == ("gemini-pro", "offline")
    (response,) = [event for event in stage.events if isinstance(event, Response)]
    assert response.fallback_from == "gemini-pro"
    assert stage.events[2].model == "gemini-pro"


@pytest.mark.parametrize(
    ("body", "text", "expected"),
    [(None, "hola", "offline"), ("gpt-4o", "usa gemini, di hola", "gpt-4o"), (None, "con gpt, di hola", "gpt-4o")],
)
async def test_the_model_is_the_bodys_else_the_prompts_else_the_gateways_default(stage, body, text, expected):
    stage.gateway.then(Answer("hola"))
    await stage.ask(text, model=body)
    assert stage.gateway.requests[0]["model"] == expected


async def test_the_default_model_is_the_settings_when_they_have_one(stage_of):
    async with stage_of(DEFAULT_MODEL="ollama") as stage:
        stage.gateway.then(Answer("hola"))
        await stage.ask("hola")
        assert stage.gateway.requests[0]["model"] == "ollama"


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_model_is_told_about_tools_in_the_users_language(stage, language):
    stage.gateway.then(Answer("hola"))
    await stage.ask("hola", language=language)
    request = stage.gateway.requests[0]
    system = request["messages"][0]
    assert system["role"] == "system" and ("assistant" in system["content"]) == (language == "en")
    add = next(tool["function"] for tool in request["tools"] if tool["function"]["name"] == "add")
    assert add["description"] == "Add two numbers." and set(add["parameters"]["properties"]) == {"a", "b"}


async def test_the_gateway_learns_on_whose_behalf_it_is_asked(stage_of):
    async with stage_of(LLM_GATEWAY_API_KEY="k-123") as stage:
        stage.gateway.then(Answer("hola"))
        traceparent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
        await stage.ask("hola", user="key_abc", request_id="req_9", traceparent=traceparent)
        headers = stage.gateway.headers[0]
        assert headers["authorization"] == "Bearer k-123"
        assert (headers["x-user-id"], headers["x-request-id"]) == ("key_abc", "req_9")
        assert headers["traceparent"] == traceparent


async def test_tools_that_a_model_asks_for_together_run_together(stage):
    calls = tuple(call("slow", {"seconds": seconds}, id=f"c{index}") for index, seconds in enumerate((0.4, 0.2, 0.3)))
    stage.gateway.then(Answer(calls=calls), Answer("listo"))
    result = await stage.ask("espera tres veces")
    assert stage.toolbox.most_running == 3
    assert [tool.result for tool in result.steps[2].tools] == ["slept 0.4", "slept 0.2", "slept 0.3"]
    assert [message["tool_call_id"] for message in stage.gateway.requests[1]["messages"][-3:]] == ["c0", "c1", "c2"]
    finished = [event.id for event in stage.events if isinstance(event, ToolResult)]
    assert finished == ["c1", "c2", "c0"]
    assert [event.id for event in stage.events if isinstance(event, ToolCall)] == ["c0", "c1", "c2"]


async def test_a_chain_of_tools_sees_earlier_results(stage):
    stage.gateway.then(
        Answer(calls=(call("add", {"a": 4, "b": 6}, id="c1"),)),
        Answer(calls=(call("multiply", {"a": 10, "b": 2}, id="c1"),)),
        Answer("20"),
    )
    result = await stage.ask("suma 4 y 6, luego multiplica el resultado por 2")
    roles = [message["role"] for message in stage.gateway.requests[2]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert stage.gateway.requests[2]["messages"][2]["tool_calls"] == [
        {"id": "c1", "name": "add", "args": {"a": 4, "b": 6}}
    ]
    assert len(result.steps) == 7


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("nothing", {}, "'nothing'"),
        ("add", '{"a": 1, "b"', "JSON"),
        ("add", "[1, 2]", "JSON"),
        ("add", {"a": "x"}, "a"),
        ("fail", {}, "fail"),
    ],
)
async def test_a_call_that_cannot_be_made_is_told_to_the_model(stage, name, args, expected):
    stage.gateway.then(Answer(calls=(call(name, args),)), Answer("no pude"))
    result = await stage.ask("haz algo")
    (outcome,) = result.steps[2].tools
    assert outcome.is_error and expected in outcome.result
    assert stage.gateway.requests[1]["messages"][-1]["content"] == outcome.result
    assert result.result == "no pude"


async def test_a_tool_without_arguments_may_be_called_with_none(stage):
    stage.gateway.then(Answer(calls=(call("fail", ""),)), Answer("no pude"))
    assert (await stage.ask("falla")).steps[2].tools[0].args == {}


async def test_text_before_a_tool_call_is_passed_on_and_kept(stage):
    stage.gateway.then(Answer("Voy a sumar.", calls=(call("add", {"a": 1, "b": 2}),)), Answer("3"))
    result = await stage.ask("suma 1 y 2")
    assert result.result == "3"
    assert stage.gateway.requests[1]["messages"][2]["content"] == "Voy a sumar."


async def test_a_thread_is_a_conversation(stage):
    stage.gateway.then(SUM, SAID, Answer("Ya te lo dije."))
    await stage.ask("suma 10 y 5", thread_id="t")
    await stage.ask("¿cuánto era?", thread_id="t")
    messages = stage.gateway.requests[2]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert messages[4]["content"] == SAID.text


async def test_a_thread_belongs_to_its_user(stage):
    stage.gateway.then(Answer("secreto"), Answer("nada"))
    await stage.ask("mi clave es 1234", thread_id="t", user="ana")
    await stage.ask("¿cuál es mi clave?", thread_id="t", user="eva")
    assert "1234" not in str(stage.gateway.requests[1])


async def test_two_questions_to_one_thread_wait_for_each_other(stage):
    stage.gateway.then(Answer("uno", stall=0.2), Answer("dos"))
    first = asyncio.create_task(stage.ask("primera", thread_id="t"))
    await eventually(lambda: stage.gateway.requests)
    second = asyncio.create_task(stage.ask("segunda", thread_id="t", run_id="run_2"))
    assert (await first).result == "uno" and (await second).result == "dos"
    (queued,) = [event for event in stage.events if isinstance(event, Queued)]
    assert (queued.run_id, queued.position) == ("run_2", 1)
    assert [message.get("content") for message in stage.gateway.requests[1]["messages"][1:]] == [
        "primera", "uno", "segunda",
    ]  # fmt: skip


async def test_different_threads_do_not_wait(stage):
    stage.gateway.then(*[Answer("x", stall=1.5)] * 5)
    asked = [asyncio.create_task(stage.ask("hola")) for _ in range(5)]
    await eventually(lambda: len(stage.gateway.requests) == 5)
    assert not any(task.done() for task in asked)
    await asyncio.gather(*asked)


async def test_any_text_goes_through_unchanged(stage):
    text = "ñandú 🐦 «comillas» \u202e עברית 中文 \x00 \\ \" ' </script>"
    stage.gateway.then(Answer(text))
    result = await stage.ask(text)
    assert stage.gateway.requests[0]["messages"][-1]["content"] == text
    assert result.result == text


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 422, "empty_input"),
        (" \n\t", 422, "empty_input"),
        ("\ud800", 422, "invalid_text"),
        ("x" * 32_001, 413, "input_too_large"),
    ],
)
async def test_a_question_that_cannot_be_taken_costs_nothing(stage, text, status, code):
    with pytest.raises(ApiError) as caught:
        await stage.ask(text)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert not stage.events and not stage.gateway.requests


async def test_the_longest_question_is_taken(stage):
    stage.gateway.then(Answer("ok"))
    assert (await stage.ask("x" * 32_000)).result == "ok"


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (Refusal(404, "model_not_found", "LLM 'xxx' not found"), 404, "model_not_found"),
        (Refusal(400, "unsupported_parameter"), 400, "unsupported_parameter"),
        (Refusal(503, "provider_not_configured"), 503, "provider_not_configured"),
        (Refusal(504, "provider_timeout"), 504, "provider_timeout"),
        (Refusal(500, "internal_error"), 502, "internal_error"),
        (Refusal(401, "missing_api_key"), 503, "llm_gateway_refused_key"),
        (Refusal(502, body=b"<html>bad gateway</html>"), 502, "llm_gateway_error"),
        (ErrorEvent("model_not_found", "LLM 'xxx' not found", "not_found_error"), 404, "model_not_found"),
        (ErrorEvent("provider_error", "no", text="a medias"), 502, "provider_error"),
        (Answer(""), 502, "empty_answer"),
        (Answer("a medias", cut=True), 503, "llm_gateway_unavailable"),
    ],
)
async def test_what_the_gateway_refuses_reaches_the_client_with_its_status(stage, refusal, status, code):
    stage.gateway.then(refusal)
    with pytest.raises(ApiError) as caught:
        await stage.ask("hola", model="xxx")
    assert (caught.value.status, caught.value.code) == (status, code)
    if code == "model_not_found":
        assert caught.value.message == "LLM 'xxx' not found"


async def test_retry_after_is_passed_on(stage):
    stage.gateway.then(Refusal(429, "rate_limited", retry_after=7))
    with pytest.raises(ApiError) as caught:
        await stage.ask("hola")
    assert (caught.value.status, caught.value.retry_after) == (429, 7)


async def test_a_model_that_never_stops_asking_for_tools_is_stopped(stage_of):
    async with stage_of(MAX_STEPS="3") as stage:
        stage.gateway.brain = lambda request: SUM
        with pytest.raises(ApiError) as caught:
            await stage.ask("suma 10 y 5", thread_id="t")
        assert (caught.value.status, caught.value.code) == (422, "step_limit_exceeded")
        assert len(stage.gateway.requests) == 3 and stage.toolbox.calls == ["add"] * 3
        stage.gateway.brain = lambda request: Answer("hola")
        assert (await stage.ask("hola", thread_id="t")).result == "hola"


async def test_the_last_step_that_is_allowed_may_be_the_answer(stage_of):
    async with stage_of(MAX_STEPS="2") as stage:
        stage.gateway.then(SUM, SAID)
        assert (await stage.ask("suma 10 y 5")).result == SAID.text


async def test_status_models_and_tools_tell_what_is_there(stage):
    status = await stage.agent.status()
    assert msgspec.structs.asdict(status) == {
        "mcp_connected": True, "mcp_tools": 4, "llm_gateway_connected": True, "bedrock_available": False,
        "models": ["bedrock-nova-pro", "gpt-4o", "offline", "local"],
    }  # fmt: skip
    assert [model.name for model in await stage.agent.models()] == ["bedrock-nova-pro", "gpt-4o", "offline", "local"]
    assert {tool.name for tool in await stage.agent.tools()} == {"add", "multiply", "slow", "fail"}


async def test_a_model_without_tool_calling_is_offered_no_tools(stage):
    stage.gateway.then(Answer("Hello."), Answer("Hello."))
    await stage.ask("hi", model="local")
    await stage.ask("hi", model="gpt-4o")
    small, large = stage.gateway.requests
    assert "tools" not in small
    assert {tool["function"]["name"] for tool in large["tools"]} >= {"add", "multiply"}
