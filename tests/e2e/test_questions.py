"""Questions of the kind that people ask, in both languages, through agent, gateway and toolbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def _tools(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    executions = [step for step in answer["steps"] if step["node"] == "tool_execution"]
    return [(tool["name"], tool["args"], tool["result"]) for step in executions for tool in step["tools"]]


def _ask(http: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    response = http.post("/process", json={"input": question, **more})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        ("suma 10 y 5", [("add", {"a": 10, "b": 5}, "15")]),
        ("add 10 and 5", [("add", {"a": 10, "b": 5}, "15")]),
        ("¿cuánto es 0,1 más 0,2?", [("add", {"a": 0.1, "b": 0.2}, "0.3")]),
        ("what is 7 times 8?", [("multiply", {"a": 7, "b": 8}, "56")]),
        ("multiplica menos tres por 4", [("multiply", {"a": -3, "b": 4}, "-12")]),
        ("pasa a mayúsculas: hola mundo", [("uppercase", {"text": "hola mundo"}, "HOLA MUNDO")]),
        ("convert 'hello there' to uppercase", [("uppercase", {"text": "hello there"}, "HELLO THERE")]),
        ("¿cuántas palabras tiene 'el cielo es azul'?", [("count_words", {"text": "el cielo es azul"}, "4")]),
        ("count the words in: the quick brown fox", [("count_words", {"text": "the quick brown fox"}, "4")]),
        (
            "suma 4 y 6, luego multiplica el resultado por 2",
            [("add", {"a": 4, "b": 6}, "10"), ("multiply", {"a": 10, "b": 2}, "20")],
        ),
        (
            "add 4 and 6, then multiply the result by 2",
            [("add", {"a": 4, "b": 6}, "10"), ("multiply", {"a": 10, "b": 2}, "20")],
        ),
        (
            "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas",
            [("multiply", {"a": 25, "b": 8}, "200"), ("uppercase", {"text": "200"}, "200")],
        ),
        (
            "convierte HOLA MUNDO a mayúsculas y cuenta las palabras",
            [("uppercase", {"text": "HOLA MUNDO"}, "HOLA MUNDO"), ("count_words", {"text": "HOLA MUNDO"}, "2")],
        ),
    ],
)
def test_a_question_calls_the_right_tools(http: httpx.Client, question: str, calls: list[Any]) -> None:
    answer = _ask(http, question)
    assert _tools(answer) == calls
    assert calls[-1][2] in answer["result"]


def test_the_answer_has_the_steps_of_the_contract(http: httpx.Client) -> None:
    answer = _ask(http, "suma 10 y 5")
    assert [step["node"] for step in answer["steps"]] == [
        "process_input", "llm", "tool_execution", "llm", "final_answer",
    ]  # fmt: skip
    assert all("timestamp" in step for step in answer["steps"])
    asked = answer["steps"][1]
    assert (asked["model"], asked["answered_by"], asked["has_tool_calls"]) == ("bedrock-nova-pro", "offline", True)
    assert answer["cost_usd"] == 0
    assert answer["usage"]["total_tokens"] > 0


def test_a_model_named_in_the_question_is_chosen_and_its_stand_in_shown(http: httpx.Client) -> None:
    answer = _ask(http, "usa gemini, multiplica 7 por 8")
    assert answer["steps"][0]["model_selected"] == "gemini-pro"
    assert (answer["model"], answer["fallback_from"]) == ("offline", "gemini-pro")
    assert _tools(answer) == [("multiply", {"a": 7, "b": 8}, "56")]


def test_a_conversation_remembers_the_last_result(http: httpx.Client) -> None:
    first = _ask(http, "suma 10 y 5")
    second = _ask(http, "ahora multiplícalo por 3", thread_id=first["thread_id"])
    assert _tools(second) == [("multiply", {"a": 15, "b": 3}, "45")]


@pytest.mark.parametrize(
    ("question", "words"), [("¿Quién ganó la liga en 1987?", "puedo"), ("Who won the league in 1987?", "can")]
)
def test_what_the_planner_cannot_do_it_says_in_the_askers_language(
    http: httpx.Client, question: str, words: str
) -> None:
    answer = _ask(http, question)
    assert _tools(answer) == []
    assert words in answer["result"].lower()
    assert "add" in answer["result"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"input": ""}, 422, "empty_input"),
        ({"input": "   \n"}, 422, "empty_input"),
        ({"input": "x" * 200_000}, 413, "input_too_large"),
        ({"input": "hola", "model": "xxx"}, 404, "model_not_found"),
        ({"question": "hola"}, 422, "validation_error"),
        ({"input": 5}, 422, "validation_error"),
    ],
)
def test_bad_input_is_refused_in_the_envelope(http: httpx.Client, body: Any, status: int, code: str) -> None:
    response = http.post("/process", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error["request_id"] == response.headers["x-request-id"]


def test_an_unknown_model_is_named(http: httpx.Client) -> None:
    error = http.post("/process", json={"input": "hola", "model": "xxx"}).json()["error"]
    assert error["message"] == "LLM 'xxx' not found"
