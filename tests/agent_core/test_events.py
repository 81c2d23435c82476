import json
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest
from agent_core.events import (
    Cancelled,
    Complete,
    Error,
    Queued,
    Response,
    Start,
    StepBegun,
    Token,
    ToolCall,
    ToolResult,
    error_event,
    numbered,
    parse_event,
)
from agent_core.usage import Usage, total_cost
from service_kit.errors import ApiError

EVENTS = [
    Queued(run_id="r", position=1),
    Start(run_id="r", message="Empezando"),
    StepBegun(run_id="r", node="process_input", message="m"),
    StepBegun(run_id="r", node="llm", message="m", model="offline"),
    Token(run_id="r", content="ñ\n🐦\u2028"),
    ToolCall(run_id="r", id="c", tool="add", args={"a": 1.5}),
    ToolCall(run_id="r", id="c", tool="add", args="{"),
    ToolResult(run_id="r", id="c", tool="add", result="8", duration_ms=1.5, is_error=False),
    Response(
        run_id="r", content="c", html="<p>c</p>", model="m", provider="p", usage=Usage(total_tokens=3),
        cost_usd=Decimal("0.00012"), latency_ms=5.5, ttft_ms=None, fallback_from="x",
    ),
    Complete(run_id="r", steps=5),
    Cancelled(run_id="r"),
    error_event(ApiError(503, "c", "m", retry_after=2), "r", "req"),
    Error(run_id=None, message="m", code="c"),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_comes_back_as_it_went(event):
    placed = numbered(event, 7)
    data = placed.to_json()
    assert parse_event(data) == placed
    assert b"\n" not in data
    fields = json.loads(data)
    assert (fields["type"], fields["seq"], fields["run_id"]) == (event.type, 7, event.run_id)
    assert datetime.fromisoformat(fields["timestamp"]).utcoffset().total_seconds() == 0


def test_what_is_unknown_is_null_and_what_is_not_there_is_left_out():
    fields = json.loads(EVENTS[8].to_json())
    assert fields["ttft_ms"] is None and fields["cost_usd"] == 0.00012
    assert "model" not in json.loads(EVENTS[2].to_json())
    assert "fallback_from" not in json.loads(msgspec.structs.replace(EVENTS[8], fallback_from=msgspec.UNSET).to_json())


def test_an_error_has_the_envelope_beside_its_message_and_code():
    fields = json.loads(EVENTS[11].to_json())
    assert (fields["message"], fields["code"], fields["retry_after"]) == ("m", "c", 2)
    assert fields["error"] == {
        "message": "m", "type": "unavailable_error", "code": "c", "param": None, "request_id": "req",
    }  # fmt: skip


@pytest.mark.parametrize("data", ["", "{}", '{"type": "nothing"}', '{"type": "token", "run_id": "r"}'])
def test_what_is_no_event_is_refused(data):
    with pytest.raises(msgspec.MsgspecError):
        parse_event(data)


def test_usage_adds_up_field_by_field():
    one = Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3, cached_tokens=4, reasoning_tokens=5)
    assert one + one == Usage(
        prompt_tokens=2, completion_tokens=4, total_tokens=6, cached_tokens=8, reasoning_tokens=10
    )


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        ([], Decimal(0)),
        ([Decimal("0.1"), Decimal("0.2")], Decimal("0.3")),
        ([Decimal("0.1"), None], None),
        ([Decimal(0), Decimal(0)], Decimal(0)),
    ],
)
def test_costs_add_up_exactly_and_never_hide_an_unknown_one(costs, total):
    assert total_cost(costs) == total
