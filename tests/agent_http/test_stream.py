"""`POST /process/stream`: the events of a run as SSE, to clients that behave and to clients that do not."""

import asyncio
import json
import socket

import pytest
from agent_core.events import Start, parse_event
from agent_core.testing import Answer, ErrorEvent, call
from agent_http.sse import EventStream, render
from service_kit.errors import ApiError
from service_kit.testing import running

from tests.waiting import eventually


def parse(text: str) -> list[dict]:
    """The events of a whole stream, as a browser would read them; comments are left out."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            data = json.loads(fields["data"])
            assert fields["id"] == str(data["seq"]) and fields["event"] == data["type"]
            events.append(data)
    return events


async def follow(service, body: dict, **options) -> list[dict]:
    async with service.client.stream("POST", f"{service.url}/process/stream", json=body, **options) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        return parse((await response.aread()).decode())


def raw_request(host: str, port: str) -> bytes:
    body = b'{"input": "hola"}'
    head = f"POST /process/stream HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_a_sum_streams_the_events_of_the_contract_in_order(service, sum_then_say):
    service.gateway.then(*sum_then_say)
    events = await follow(service, {"input": "suma 10 y 5"})
    types = [event["type"] for event in events]
    assert [kind for index, kind in enumerate(types) if kind != "token" or types[index - 1] != "token"] == [
        "start", "step", "step", "tool_call", "tool_result", "step", "token", "response", "complete",
    ]  # fmt: skip
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    assert [event["node"] for event in events if event["type"] == "step"] == ["process_input", "llm", "llm"]
    by_type = {event["type"]: event for event in events}
    assert by_type["tool_call"]["args"] == {"a": 10, "b": 5} and by_type["tool_call"]["tool"] == "add"
    assert by_type["tool_result"]["result"] == "15" and by_type["tool_result"]["id"] == by_type["tool_call"]["id"]
    response = by_type["response"]
    assert response["content"] == "El resultado es **15**." and "<strong>15</strong>" in response["html"]
    assert {"model", "provider", "usage", "cost_usd", "latency_ms", "ttft_ms"} <= set(response)
    assert "".join(event["content"] for event in events if event["type"] == "token") == response["content"]
    assert by_type["complete"]["steps"] == 5


async def test_tokens_come_as_they_are_written(service):
    service.gateway.then(Answer("uno dos tres", pause=0.3))
    loop = asyncio.get_running_loop()
    arrivals = []
    async with service.client.stream("POST", f"{service.url}/process/stream", json={"input": "hola"}) as response:
        async for line in response.aiter_lines():
            if line.startswith("event: token"):
                arrivals.append(loop.time())
    assert len(arrivals) == 3 and arrivals[2] - arrivals[0] > 0.3


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (ErrorEvent("model_not_found", "LLM 'xxx' not found", "not_found_error"), "model_not_found"),
        (Answer("a medias", cut=True), "llm_gateway_unavailable"),
        (ErrorEvent("provider_error", "no", text="a medias"), "provider_error"),
    ],
)
async def test_a_run_that_fails_ends_with_an_error_and_never_with_complete(service, reply, code):
    service.gateway.then(reply)
    events = await follow(service, {"input": "hola"}, headers={"X-Request-ID": "mine-1"})
    assert events[-1]["type"] == "error"
    assert (events[-1]["code"], events[-1]["request_id"]) == (code, "mine-1")
    assert set(events[-1]["error"]) == {"message", "type", "code", "param", "request_id"}
    assert not {"response", "complete"} & {event["type"] for event in events}


async def test_the_deadline_is_an_error_event(service_of):
    async with service_of(RUN_TIMEOUT_SECONDS="0.4") as service:
        service.gateway.then(Answer("uno", stall=30))
        events = await follow(service, {"input": "hola"})
        assert (events[-1]["type"], events[-1]["code"]) == ("error", "deadline_exceeded")


async def test_a_gateway_killed_in_the_middle_is_an_error_event(service):
    service.gateway.then(Answer("uno", stall=30))
    async with service.client.stream("POST", f"{service.url}/process/stream", json={"input": "hola"}) as response:
        lines = response.aiter_lines()
        seen = [await anext(lines)]
        while seen[-1] != "event: token":
            seen.append(await anext(lines))
        await service.gateway_wire.cut()
        seen += [line async for line in lines]
    assert parse("\n".join([*seen, ""]))[-1]["code"] == "llm_gateway_unavailable"


async def test_a_client_that_leaves_stops_the_model(service):
    service.gateway.then(Answer("uno", stall=30))
    async with service.client.stream(
        "POST", f"{service.url}/process/stream", json={"input": "hola", "thread_id": "t"}
    ) as response:
        lines = response.aiter_lines()
        await anext(lines)
        await eventually(lambda: service.gateway.requests)
        await response.aclose()
    await eventually(lambda: service.gateway.abandoned == 1)
    service.gateway.then(Answer("aquí"))
    assert (await service.ask("sigue", thread_id="t"))[1]["result"] == "aquí"


async def test_a_client_that_leaves_stops_the_tool(service):
    service.gateway.then(Answer(calls=(call("slow", {"seconds": 30}),)))
    async with service.client.stream("POST", f"{service.url}/process/stream", json={"input": "espera"}) as response:
        await eventually(lambda: service.toolbox.running_now)
        await response.aclose()
    await eventually(lambda: service.toolbox.stopped == 1)


async def test_a_client_that_closes_its_half_is_gone(service):
    service.gateway.then(Answer("uno", stall=30))
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw_request(host, port))
    await reader.readuntil(b"event: start")
    await eventually(lambda: service.gateway.requests)
    writer.write_eof()
    await eventually(lambda: service.gateway.abandoned == 1)
    writer.close()


async def test_a_silent_run_is_pinged_and_whatever_happens_has_an_end():
    pinged = asyncio.Event()

    async def start(emit):
        emit(Start(run_id="r", message="m"))
        await pinged.wait()
        raise ApiError(503, "gone", "gone")

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await EventStream(start, run_id="r", request_id="q", ping_seconds=0.1)(scope, receive, send)

    async with running(app, lifespan="off") as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = (await reader.readuntil(b": ping\n\n")).decode()
        pinged.set()
        text += (await reader.read()).decode()
        writer.close()
    assert text.index("event: start") < text.index(": ping") < text.index("event: error")


async def test_a_fault_of_ours_ends_the_stream_with_an_error_that_tells_nothing():
    async def start(emit):
        raise RuntimeError("secret")

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await EventStream(start, run_id="r", request_id="q")(scope, receive, send)

    async with running(app, lifespan="off") as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
    assert "internal_error" in text and "secret" not in text


async def test_a_client_that_does_not_read_does_not_keep_the_service_busy(service):
    service.gateway.then(Answer(" ".join(["x" * 1000] * 5000)))
    host, port = service.url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, (host, int(port)))
        await asyncio.get_running_loop().sock_sendall(client, raw_request(host, port))
        await eventually(lambda: service.gateway.requests)
        service.gateway.then(Answer("aquí"))
        async with asyncio.timeout(20):
            assert (await service.ask("otra"))[1]["result"] == "aquí"


def test_an_event_on_the_wire():
    event = Start(run_id="r", message="línea\n🐦", seq=3, timestamp="t")
    id_, name, data, *rest = render(event).decode().split("\n")
    assert (id_, name, rest) == ("id: 3", "event: start", ["", ""])
    assert parse_event(data.removeprefix("data: ")) == event
