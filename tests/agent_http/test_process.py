"""`POST /process` and `GET /health`, over a real socket."""

import asyncio
import re
import time

import httpx2
import msgspec
import pytest
from agent_core.testing import Answer, Refusal, call

from tests.waiting import eventually

ENVELOPE = {"message", "type", "code", "param", "request_id"}


async def test_a_sum_is_answered_in_the_shape_of_the_contract(service, sum_then_say):
    service.gateway.then(*sum_then_say)
    status, answer = await service.ask("suma 10 y 5")
    assert status == 200
    assert set(answer) == {
        "result", "steps", "model", "provider", "usage", "cost_usd", "latency_ms", "thread_id", "run_id",
    }  # fmt: skip
    assert answer["result"] == "El resultado es **15**."
    assert [step["node"] for step in answer["steps"]] == [
        "process_input",
        "llm",
        "tool_execution",
        "llm",
        "final_answer",
    ]
    first, asked, done, said, last = answer["steps"]
    assert set(first) == {"node", "timestamp", "input", "model_selected"}
    assert set(asked) == set(said) == {"node", "timestamp", "model", "has_tool_calls"}
    assert (asked["has_tool_calls"], said["has_tool_calls"]) == (True, False)
    (tool,) = done["tools"]
    assert set(tool) == {"name", "args", "result", "duration_ms", "is_error"}
    assert (tool["name"], tool["args"], tool["result"], tool["is_error"]) == ("add", {"a": 10, "b": 5}, "15", False)
    assert set(last) == {"node", "timestamp"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", step["timestamp"]) for step in answer["steps"])
    assert answer["usage"] == {
        "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30, "cached_tokens": 0, "reasoning_tokens": 0,
    }  # fmt: skip
    assert answer["cost_usd"] == pytest.approx(0.002)
    assert answer["run_id"] and answer["thread_id"]


async def test_a_fallback_is_shown(service):
    service.gateway.then(Answer("56", model="offline", provider="offline", cost_usd=0, fallback_from="gemini-pro"))
    _, answer = await service.ask("usa gemini, multiplica 7 por 8")
    assert (answer["model"], answer["fallback_from"], answer["cost_usd"]) == ("offline", "gemini-pro", 0)
    assert (answer["steps"][1]["model"], answer["steps"][1]["answered_by"]) == ("gemini-pro", "offline")


async def test_an_unknown_cost_is_null(service):
    service.gateway.then(Answer("56", cost_usd=None))
    assert (await service.ask("x"))[1]["cost_usd"] is None


async def test_a_thread_goes_on_and_keeps_its_id(service):
    service.gateway.then(Answer("uno"), Answer("dos"))
    _, first = await service.ask("primera")
    _, second = await service.ask("segunda", thread_id=first["thread_id"])
    assert second["thread_id"] == first["thread_id"] and second["run_id"] != first["run_id"]
    assert [message["content"] for message in service.gateway.requests[1]["messages"][1:]] == [
        "primera", "uno", "segunda",
    ]  # fmt: skip


async def test_threads_belong_to_the_key_that_made_them(service_of):
    async with service_of(AUTH_MODE="keys", API_KEYS="key-ana,key-eva") as service:
        service.gateway.then(Answer("uno"), Answer("dos"))
        for key in ("key-ana", "key-eva"):
            headers = {"Authorization": f"Bearer {key}"}
            status, _ = await service.post("/process", {"input": f"soy {key}", "thread_id": "t"}, headers=headers)
            assert status == 200
        assert "key-ana" not in str(service.gateway.requests[1])
        users = [headers["x-user-id"] for headers in service.gateway.headers]
        assert users[0] != users[1] and all(user.startswith("key_") for user in users)
        assert (await service.ask("sin llave"))[0] == 401


async def test_the_request_id_and_the_trace_go_to_the_gateway_and_back(service):
    service.gateway.then(Answer("hola"))
    trace = "a" * 32
    headers = {"X-Request-ID": "mine-1", "traceparent": f"00-{trace}-{'b' * 16}-01"}
    async with service.client.stream(
        "POST", f"{service.url}/process", json={"input": "hola"}, headers=headers
    ) as response:
        assert response.headers["X-Request-ID"] == "mine-1"
    sent = service.gateway.headers[0]
    assert sent["x-request-id"] == "mine-1" and sent["traceparent"].split("-")[1] == trace


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": ""}, 422, "empty_input", "input"),
        ({"input": "  \n "}, 422, "empty_input", "input"),
        ({}, 422, "validation_error", "input"),
        ({"input": None}, 422, "validation_error", "input"),
        ({"input": 5}, 422, "validation_error", "input"),
        ({"input": ["x"]}, 422, "validation_error", "input"),
        ({"input": "x", "model": 5}, 422, "validation_error", "model"),
        ({"input": "x", "thread_id": ""}, 422, "validation_error", "thread_id"),
        ({"input": "x", "thread_id": "t" * 129}, 422, "validation_error", "thread_id"),
        ({"input": "x", "thread": "t"}, 422, "validation_error", "thread"),
        ({"input": "x", "stream": True}, 422, "validation_error", "stream"),
        ([], 422, "validation_error", None),
        ("x", 422, "validation_error", None),
        ({"input": "x" * 32_001}, 413, "input_too_large", "input"),
        ({"input": "x" * (21 * 1024 * 1024)}, 413, "body_too_large", None),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("path", ["/process", "/process/stream"])
async def test_a_question_that_cannot_be_taken_says_why(service, path, body, status, code, param):
    got, answer = await service.post(path, body)
    assert got == status
    assert set(answer["error"]) == ENVELOPE
    assert (answer["error"]["code"], answer["error"]["param"]) == (code, param)
    assert not service.gateway.requests


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b"", "application/json", 422, "validation_error"),
        (b'{"input": "\xff"}', "application/json", 400, "invalid_json"),
        (b'{"input": "\\ud800"}', "application/json", 400, "invalid_json"),
        (b'{"input": "x", "thread_id": "\\ud800"}', "application/json", 400, "invalid_json"),
        (b"input=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"input": "x"}', "text/plain", 415, "unsupported_media_type"),
    ],
)
@pytest.mark.parametrize("path", ["/process", "/process/stream"])
async def test_a_body_that_is_not_a_question_says_why(service, path, body, content_type, status, code):
    async with service.client.stream(
        "POST", service.url + path, content=body, headers={"Content-Type": content_type}
    ) as response:
        answer = msgspec.json.decode(await response.aread())
    assert (response.status_code, answer["error"]["code"]) == (status, code)


async def test_an_unknown_model_is_a_404_that_names_it(service):
    service.gateway.then(Refusal(404, "model_not_found", "LLM 'xxx' not found"))
    status, answer = await service.ask("hola", model="xxx")
    assert status == 404
    assert (answer["error"]["code"], answer["error"]["message"]) == ("model_not_found", "LLM 'xxx' not found")
    assert service.gateway.requests[0]["model"] == "xxx"


@pytest.mark.parametrize("gone", ["gateway", "toolbox"])
async def test_a_dependency_that_is_away_is_a_503_with_retry_after_until_it_is_back(service, gone, sum_then_say):
    wire = getattr(service, f"{gone}_wire")
    await wire.cut()
    async with service.client.stream("POST", f"{service.url}/process", json={"input": "suma 10 y 5"}) as response:
        answer = msgspec.json.decode(await response.aread())
    assert response.status_code == 503 and int(response.headers["Retry-After"]) >= 1
    assert answer["error"]["code"] == {"gateway": "llm_gateway_unavailable", "toolbox": "toolbox_unavailable"}[gone]
    await wire.mend()
    service.gateway.then(*sum_then_say)
    assert (await service.ask("suma 10 y 5", model="offline"))[0] == 200


async def test_the_deadline_is_a_504(service_of):
    async with service_of(RUN_TIMEOUT_SECONDS="0.4") as service:
        service.gateway.then(Answer("x", stall=30))
        status, answer = await service.ask("hola")
        assert (status, answer["error"]["code"]) == (504, "deadline_exceeded")


async def test_retry_after_of_a_busy_provider_is_passed_on(service):
    service.gateway.then(Refusal(429, "rate_limited", retry_after=700))
    async with service.client.stream("POST", f"{service.url}/process", json={"input": "hola"}) as response:
        assert (response.status_code, response.headers["Retry-After"]) == (429, "700")


async def test_nothing_of_a_providers_text_reaches_the_client(service):
    service.gateway.then(Refusal(500, body=b"Traceback: secret-key sk-123 at 10.0.0.1"))
    status, answer = await service.ask("hola")
    assert status == 502 and "secret" not in str(answer) and "10.0.0.1" not in str(answer)


async def test_errors_speak_the_users_language(service):
    for language, word in (("es", "vacía"), ("en", "empty")):
        _, answer = await service.post("/process", {"input": ""}, headers={"Accept-Language": language})
        assert word in answer["error"]["message"]


async def test_a_client_that_leaves_stops_its_run(service):
    service.gateway.then(Answer("uno", stall=30))
    asking = asyncio.create_task(service.ask("hola", thread_id="t"))
    await eventually(lambda: service.gateway.requests)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await eventually(lambda: service.gateway.abandoned == 1)
    service.gateway.then(Answer("aquí"))
    assert (await service.ask("sigue", thread_id="t"))[1]["result"] == "aquí"


async def test_many_at_once_do_not_mix(service):
    service.gateway.brain = lambda request: Answer(request["messages"][-1]["content"].upper(), pause=0.01)
    answers = await asyncio.gather(*[service.ask(f"pregunta {number}") for number in range(40)])
    assert [answer["result"] for _, answer in answers] == [f"PREGUNTA {number}" for number in range(40)]


async def test_health_shows_what_is_there_and_what_is_away(service):
    async def health():
        async with service.client.stream("GET", f"{service.url}/health") as response:
            assert response.status_code == 200
            return msgspec.json.decode(await response.aread())

    whole = await health()
    assert (whole["status"], whole["service"], whole["mcp_tools"]) == ("healthy", "agent-http", 4)
    assert whole["mcp_connected"] is True and whole["llm_gateway_connected"] is True
    assert whole["bedrock_available"] is False and "gpt-4o" in whole["models"]
    await service.toolbox_wire.cut()
    away = await health()
    assert (away["status"], away["mcp_connected"], away["mcp_tools"]) == ("degraded", False, 0)
    await service.gateway_wire.cut()

    async def gateway_is_away() -> bool:
        away = await health()
        return (away["status"], away["llm_gateway_connected"], away["models"]) == ("degraded", False, [])

    async def all_is_well() -> bool:
        return (await health())["status"] == "healthy"

    await eventually(gateway_is_away)
    async with service.client.stream("GET", f"{service.url}/readyz") as response:
        assert response.status_code == 200
    await service.toolbox_wire.mend()
    await service.gateway_wire.mend()
    await eventually(all_is_well)


async def test_health_never_hangs(service):
    service.gateway_wire.silence()
    service.toolbox_wire.silence()
    began = time.perf_counter()
    async with service.client.stream("GET", f"{service.url}/health") as response:
        assert msgspec.json.decode(await response.aread())["status"] == "degraded"
    assert time.perf_counter() - began < 10


async def test_every_route_works_under_a_prefix(service_of):
    async with service_of(ROOT_PATH="/api/http") as service:
        service.gateway.then(Answer("hola"))
        status, answer = await service.post("/api/http/process", {"input": "hola"})
        assert (status, answer["result"]) == (200, "hola")
        for path in ("/api/http/health", "/api/http/healthz", "/api/http/openapi.json", "/api/http/docs", "/health"):
            async with service.client.stream("GET", service.url + path) as response:
                assert response.status_code == 200, path


async def test_tools_that_are_asked_for_together_run_together(service):
    calls = tuple(call("slow", {"seconds": 0.3}, id=f"c{number}") for number in range(4))
    service.gateway.then(Answer(calls=calls), Answer("listo"))
    _, answer = await service.ask("espera")
    assert [tool["result"] for tool in answer["steps"][2]["tools"]] == ["slept 0.3"] * 4
    assert service.toolbox.most_running == 4


async def test_only_post_asks(service):
    async with service.client.stream("GET", f"{service.url}/process") as response:
        assert response.status_code == 405
        assert set(msgspec.json.decode(await response.aread())["error"]) == ENVELOPE


async def test_a_strange_host_is_refused(service):
    async with (
        httpx2.AsyncClient(timeout=60) as client,
        client.stream(
            "POST", f"{service.url}/process", json={"input": "x"}, headers={"Host": "evil.example"}
        ) as response,
    ):
        assert response.status_code == 421
