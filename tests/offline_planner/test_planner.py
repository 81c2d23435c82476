"""The planner as a model: turns, tool choice, failures, limits, forms of answer, counting."""

from __future__ import annotations

import json

import pytest
from offline_planner import (
    Image,
    Message,
    Refusal,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    plan,
)


def said(role, text):
    return Message(role=role, content=(Text(text),))


def request(question, tools=(), **fields) -> Request:
    offered = tuple(item.tool for item in tools)
    return Request(messages=(said("user", question),), tools=offered, **fields)


def calls_of(result) -> list[ToolCall]:
    return [part for part in result.content if isinstance(part, ToolCall)]


# --- turns -----------------------------------------------------------------------------------------------


def test_independent_steps_are_called_in_one_turn_and_dependent_ones_after(ask) -> None:
    assert ask("suma 3 y 4 y cuenta las palabras de 'a b c'").turns == [2]
    assert ask("suma 3 y 4, luego multiplica el resultado por 2").turns == [1, 1]
    assert ask("multiplica 2 por 3 y 4 por 5 y luego súmalos").turns == [2, 1]


def test_one_call_a_turn_when_parallel_calls_are_refused(ask) -> None:
    answered = ask("suma 3 y 4 y cuenta las palabras de 'a b c'", parallel_tool_calls=False)
    assert answered.turns == [1, 1]
    assert "7" in answered.text and "3 palabras" in answered.text


def test_ids_are_unique_in_the_conversation_and_the_same_each_time(ask, built_in) -> None:
    first = ask("suma 1, 2 y 3")
    again = ask("suma 1, 2 y 3", history=first.messages)
    ids = [call.id for message in again.messages for call in message.content if isinstance(call, ToolCall)]
    assert len(ids) == 4 == len(set(ids))
    assert calls_of(plan(request("suma 1 y 2", built_in))) == calls_of(plan(request("suma 1 y 2", built_in)))


def test_results_are_found_again_when_the_client_changed_the_ids(built_in) -> None:
    asked = request("suma 4 y 6, luego multiplica el resultado por 2", built_in)
    call = ToolCall(id="other", name="add", arguments='{"b": 6, "a": 4}')
    messages = (
        *asked.messages,
        Message(role="assistant", content=(call,)),
        Message(role="tool", tool_call_id="other", content=(Text('{"result": 10}'),)),
    )
    (following,) = calls_of(plan(Request(messages=messages, tools=asked.tools)))
    assert (following.name, json.loads(following.arguments)) == ("multiply", {"a": 10, "b": 2})


def test_results_of_calls_that_another_model_made_are_reported(built_in) -> None:
    asked = request("¿qué opinas?", built_in)
    messages = (
        *asked.messages,
        Message(role="assistant", content=(ToolCall(id="x", name="lookup", arguments="{}"),)),
        Message(role="tool", tool_call_id="x", content=(Text("42 grados"),)),
    )
    result = plan(Request(messages=messages, tools=asked.tools))
    assert result.content == (Text("Resultado de lookup: 42 grados"),)


@pytest.mark.parametrize(
    ("first", "second", "call"),
    [
        ("suma 10 y 5", "ahora multiplícalo por 3", ("multiply", {"a": 15, "b": 3})),
        ("suma 10 y 5", "y ahora súmale 1", ("add", {"a": 15, "b": 1})),
        ("suma 10 y 5", "conviértelo a mayúsculas", ("uppercase", {"text": "15"})),
        ("add 10 and 5", "and now times 2", ("multiply", {"a": 15, "b": 2})),
        ("add 10 and 5", "plus 4", ("add", {"a": 15, "b": 4})),
        ("convierte 'hola' a mayúsculas", "¿cuántas palabras tiene?", ("count_words", {"text": "HOLA"})),
    ],
)
def test_it_refers_to_the_last_result_of_earlier_turns(ask, first, second, call) -> None:
    before = ask(first)
    assert ask(second, history=before.messages).calls == [call]


def test_an_earlier_answer_serves_where_the_tool_results_were_not_kept(ask) -> None:
    history = (said("user", "suma 10 y 5"), said("assistant", "El resultado de sumar 10 y 5 es 15."))
    assert ask("multiplícalo por 2", history=history).calls == [("multiply", {"a": 15, "b": 2})]


# --- failures --------------------------------------------------------------------------------------------


def test_a_tool_that_fails_is_reported_and_what_needs_it_is_not_done(ask, unseen) -> None:
    answered = ask("divide 10 entre 0 y luego multiplica el resultado por 2", unseen)
    assert answered.calls == [("divide", {"a": 10, "b": 0})]
    assert "La herramienta divide ha fallado: DivisionByZero" in answered.text
    assert "No he hecho «multiplica el resultado por 2»" in answered.text


def test_a_failure_told_only_in_text_is_seen(built_in) -> None:
    asked = request("add 1 and 2, then times 3", built_in)
    (call,) = calls_of(plan(asked))
    result = Message(role="tool", tool_call_id=call.id, content=(Text("Error: tool is away"),))
    messages = (*asked.messages, Message(role="assistant", content=(call,)), result)
    answer = plan(Request(messages=messages, tools=asked.tools))
    assert calls_of(answer) == []
    assert "The tool add failed: Error: tool is away" in answer.content[0].text


def test_a_call_without_a_result_is_not_repeated(built_in) -> None:
    asked = request("suma 1 y 2", built_in)
    turn = Message(role="assistant", content=plan(asked).content)
    answer = plan(Request(messages=(*asked.messages, turn), tools=asked.tools))
    assert answer.content == (Text("La herramienta add no ha dado ningún resultado."),)


def test_a_sum_that_needs_too_many_calls_is_refused(ask) -> None:
    answered = ask("suma " + ", ".join(str(number) for number in range(60)))
    assert answered.calls == []
    assert "más de 24 llamadas" in answered.text


def test_it_stops_when_a_conversation_has_too_many_calls(built_in) -> None:
    asked = request("suma 1 y 2", built_in)
    made = [ToolCall(id=f"c{number}", name="lookup", arguments="{}") for number in range(60)]
    messages = (*asked.messages, Message(role="assistant", content=tuple(made)))
    answer = plan(Request(messages=messages, tools=asked.tools))
    assert calls_of(answer) == []
    assert "demasiadas llamadas" in answer.content[0].text


# --- tool choice -----------------------------------------------------------------------------------------


def test_choice_none_calls_nothing_and_says_so(ask) -> None:
    answered = ask("suma 1 y 2", tool_choice=ToolChoice(mode="none"))
    assert answered.calls == []
    assert "no se me permite llamar a herramientas" in answered.text


def test_choice_none_still_words_the_results_that_are_there(built_in) -> None:
    asked = request("suma 1 y 2", built_in)
    (call,) = calls_of(plan(asked))
    messages = (
        *asked.messages,
        Message(role="assistant", content=(call,)),
        Message(role="tool", tool_call_id=call.id, content=(Text("3"),)),
    )
    last = Request(messages=messages, tools=asked.tools, tool_choice=ToolChoice(mode="none"))
    assert plan(last).content == (Text("El resultado de sumar 1 y 2 es 3."),)


def test_a_named_tool_is_used_and_no_other(ask) -> None:
    answered = ask("hola mundo", tool_choice=ToolChoice(mode="tool", name="count_words"))
    assert answered.calls == [("count_words", {"text": "hola mundo"})]
    answered = ask("los números 3 y 4", tool_choice=ToolChoice(mode="tool", name="multiply"))
    assert answered.calls == [("multiply", {"a": 3, "b": 4})]


def test_a_named_tool_that_is_not_offered_is_said(ask) -> None:
    answered = ask("suma 1 y 2", tool_choice=ToolChoice(mode="tool", name="absent"))
    assert (answered.calls, "absent" in answered.text) == ([], True)


def test_choice_required_calls_a_tool_where_auto_would_not(ask) -> None:
    assert ask("el gato come pescado").calls == []
    answered = ask("el gato come pescado", tool_choice=ToolChoice(mode="required"))
    assert answered.calls == [("uppercase", {"text": "el gato come pescado"})]


# --- what is asked ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("hola", "¡Hola!"),
        ("Hello!", "Hello!"),
        ("gracias", "De nada."),
        ("thank you!", "You're welcome."),
        ("¿qué puedes hacer?", "count_words(text)"),
        ("what can you do?", "I am the gateway's offline planner"),
        ("ayuda", "Puedo usar:"),
        ("who are you?", "not a language model"),
        ("", "El mensaje está vacío"),
        ("   \n", "El mensaje está vacío"),
    ],
)
def test_small_talk(ask, question, words) -> None:
    answered = ask(question)
    assert answered.calls == []
    assert words in answered.text


def test_without_tools_it_says_what_it_is_and_how_to_get_a_model() -> None:
    (part,) = plan(request("¿Quién descubrió América?")).content
    assert isinstance(part, Text)
    assert "planificador sin conexión" in part.text
    assert "no hay ninguna herramienta" in part.text
    assert "OPENAI_API_KEY" in part.text


def test_without_messages_it_still_answers() -> None:
    assert plan(Request(messages=())).finish_reason == "stop"


def test_a_question_that_tells_no_language_is_answered_in_the_conversations(ask) -> None:
    assert ask("25 * 8").text.startswith("El resultado")
    english = (said("system", "You are a helpful assistant that answers with the tools."),)
    assert ask("25 * 8", history=english).text.startswith("The result")
    earlier = (*english, said("user", "hola, ¿qué tal?"), said("assistant", "Hello"))
    assert ask("25 * 8", history=earlier).text.startswith("El resultado")


def test_images_are_not_pretended_to_be_seen(built_in) -> None:
    content = (Text("describe esta imagen"), Image())
    asked = Request(messages=(Message(role="user", content=content),))
    assert "No puedo ver imágenes." in plan(asked).content[0].text


# --- limits and forms ------------------------------------------------------------------------------------


def test_max_tokens_cuts_the_text_and_says_so() -> None:
    whole = plan(request("hola"))
    cut = plan(request("hola", max_tokens=5))
    assert cut.finish_reason == "length"
    assert cut.completion_tokens == 5
    assert whole.content[0].text.startswith(cut.content[0].text)
    assert plan(request("hola", max_tokens=whole.completion_tokens)).finish_reason == "stop"


def test_calls_that_do_not_fit_into_max_tokens_are_not_made_by_half(built_in) -> None:
    result = plan(request("suma 1 y 2", built_in, max_tokens=2))
    assert (result.content, result.finish_reason) == ((), "length")


def test_stop_sequences_end_the_text() -> None:
    whole = plan(request("hola")).content[0].text
    result = plan(request("hola", stop=("planificador", "nunca")))
    assert result.content[0].text == whole[: whole.index("planificador")]
    assert result.finish_reason == "stop"


def test_json_object_holds_the_answer(ask) -> None:
    answered = ask("suma 1 y 2", response_format=ResponseFormat(type="json_object"))
    assert json.loads(answered.text) == {"answer": "El resultado de sumar 1 y 2 es 3."}


def test_a_schema_is_filled_with_what_the_tools_gave(ask) -> None:
    schema = {
        "type": "object",
        "properties": {"total": {"type": "number"}, "answer": {"type": "string"}},
        "required": ["total", "answer"],
    }
    answered = ask("suma 1 y 2", response_format=ResponseFormat(type="json_schema", schema=schema))
    assert json.loads(answered.text) == {"total": 3, "answer": "El resultado de sumar 1 y 2 es 3."}


def test_a_schema_that_would_need_invention_is_refused(ask) -> None:
    schema = {"type": "object", "properties": {"capital": {"type": "integer"}}, "required": ["capital"]}
    answered = ask("¿Cuál es la capital?", response_format=ResponseFormat(type="json_schema", schema=schema))
    (part,) = answered.last.content
    assert isinstance(part, Refusal)
    assert "sin inventar" in part.text


def test_usage_counts_messages_tools_and_answer(built_in) -> None:
    bare, tooled = plan(request("suma 1 y 2")), plan(request("suma 1 y 2", built_in))
    assert bare.prompt_tokens == 3 + 4
    assert tooled.prompt_tokens > bare.prompt_tokens + 50
    assert tooled.completion_tokens > 0


# --- tools of every shape --------------------------------------------------------------------------------


def test_a_calculator_with_an_operation_to_choose(ask, make_tool) -> None:
    names = {"type": "string", "enum": ["add", "subtract", "multiply", "divide"]}
    calculator = make_tool(
        "calculator", "Performs arithmetic", lambda operation, a, b: 2.5, operation=names, a="number", b="number"
    )
    assert ask("¿cuánto es 10 entre 4?", [calculator]).calls == [
        ("calculator", {"operation": "divide", "a": 10, "b": 4})
    ]


def test_a_tool_that_evaluates_expressions(ask, make_tool) -> None:
    evaluate = make_tool(
        "calculate", "Evaluate a mathematical expression", lambda expression: "20", expression="string"
    )
    answered = ask("¿cuánto es (2 + 3) por 4?", [evaluate])
    assert answered.calls == [("calculate", {"expression": "(2 + 3) * 4"})]


def test_a_tool_that_takes_a_list_gets_all_numbers_at_once(ask, make_tool) -> None:
    numbers = {"type": "array", "items": {"type": "number"}}
    total = make_tool("sum_numbers", "Sum a list of numbers", lambda numbers: sum(numbers), numbers=numbers)
    assert ask("suma 1, 2, 3 y 4", [total]).calls == [("sum_numbers", {"numbers": [1, 2, 3, 4]})]


def test_numbers_that_would_be_left_out_are_not_left_out_in_silence(ask, unseen) -> None:
    answered = ask("calcula el gcd de 12, 18 y 24", unseen)
    assert answered.calls == []
    assert "no entiendo esta parte: «24»" in answered.text


def test_integers_enumerations_booleans_references_and_nested_objects(ask, make_tool) -> None:
    light = make_tool(
        "set_lamp", "Set the lamp", lambda **given: "done", ["level"],
        level={"anyOf": [{"type": "integer"}, {"type": "null"}]},
        color={"type": "string", "enum": ["red", "blue"]},
        blink={"type": "boolean"},
    )  # fmt: skip
    assert ask("set the lamp to 30 in blue and blink", [light]).calls == [
        ("set_lamp", {"level": 30, "color": "blue", "blink": True})
    ]
    schema = {
        "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
        "properties": {"place": {"$ref": "#/$defs/Place"}},
        "required": ["place"],
    }
    nested = make_tool("get_weather", "Weather of a place", lambda place: "rain")
    nested = type(nested)(Tool(name="get_weather", description="Weather of a place", parameters=schema), nested.run)
    assert ask("weather in Lima", [nested]).calls == [("get_weather", {"place": {"city": "Lima"}})]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": None, "required": 3},
        {"properties": {"text": {}}, "required": ["text"]},
        {"properties": {"text": True}, "required": ["text", None, 4]},
        {"properties": {"text": {"$ref": "#/nowhere"}}, "required": ["text"]},
        {"properties": {"text": {"$ref": "#/properties/text"}}, "required": ["text"]},
        {"properties": {"text": {"anyOf": [{"type": "null"}]}}},
        {"properties": {"text": {"type": ["null", "string"]}}, "required": ["text"]},
        {"properties": {"text": {"type": 7, "enum": [None, {}, []]}}},
        {"anyOf": [{"properties": {"text": {"type": "string"}}}]},
    ],
)
def test_no_schema_makes_it_raise(schema) -> None:
    offered = (Tool(name="uppercase", description="Upper case", parameters=schema),)
    for mode in ("auto", "required"):
        asked = Request(
            messages=(said("user", "convierte 'hola' a mayúsculas"),),
            tools=offered,
            tool_choice=ToolChoice(mode=mode),
        )
        for call in calls_of(plan(asked)):
            assert set(json.loads(call.arguments).values()) <= {"hola"}
