from __future__ import annotations

import io
import json
import logging
from decimal import Decimal
from typing import Any

from fake_providers import Fails, FakeOpenAI, Says
from llm_gateway.telemetry.log import CallLog, line_of
from service_kit.telemetry.logs import logging_to

from tests.llm_gateway.harness import KEY, staged
from tests.llm_gateway.telemetry.test_metrics import call


def test_a_line_has_what_operators_search_by():
    line = line_of(call(principal="key_1", end_user="ana", request_id="r1", finished_at=7.0, fallback_from="x"))
    assert (line.level, line.at, line.message) == (logging.INFO, 7.0, "call")
    assert line.fields == {
        "requestId": "r1", "surface": "generate", "status": 200, "userId": "key_1", "endUser": "ana",
        "provider": "openai",
        "model": "gpt-4o", "tokensUsed": 15, "costUsd": 0.01, "processingTime": 100.0, "cached": False,
        "fallbackFrom": "x",
    }  # fmt: skip


def test_a_failure_is_a_warning_and_an_unknown_cost_is_left_out():
    line = line_of(call(status="error", cost_usd=None, usage=None, error_code="x", error_detail="theirs", model=None))
    assert (line.level, line.fields["error"], line.fields["detail"]) == (logging.WARNING, "x", "theirs")
    assert line.fields["model"] == "gpt-4o" and not {"costUsd", "tokensUsed"} & set(line.fields)
    assert line_of(call(cost_usd=Decimal(0))).fields["costUsd"] == 0


def test_names_that_clients_make_up_stay_short():
    fields = line_of(call(model=None, asked="a" * 10_000, end_user="b" * 10_000)).fields
    assert len(fields["model"]) <= 256 and len(fields["endUser"]) <= 256


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_written_when_flushed():
    stream = io.StringIO()
    with logging_to("llm-gateway", "INFO", "json", stream):
        log = CallLog()
        log.observe(call())
        log.observe(call())
        log.flush()
        log.flush()
    assert [line["message"] for line in logged(stream)] == ["call", "call"]


async def test_a_provider_that_echoes_the_key_does_not_bring_it_into_the_log():
    stream = io.StringIO()
    echo = f"Incorrect API key provided: {KEY}. Header: Bearer {KEY}"
    with logging_to("llm-gateway", "INFO", "json", stream):
        script = (Fails(401, "invalid_api_key", echo), Fails(400, None, echo), Says("x"))
        async with staged(FakeOpenAI(*script), AUTH_MODE="keys", API_KEYS="client-key") as stage:
            for number in range(3):
                await stage.chat(headers={"x-api-key": "client-key"}, seed=number)
            await stage.chat(headers={"x-api-key": "wrong-key"})
    text = stream.getvalue()
    assert "Incorrect API key provided: ***" in text, "the provider's words are for the operator"
    assert not [secret for secret in (KEY, "client-key", "wrong-key") if secret in text]
    lines = [line for line in logged(stream) if line["message"] in ("call", "call failed")]
    assert [line["status"] for line in lines] == [502, 400, 200]
    assert all({"timestamp", "level", "service", "requestId", "processingTime"} <= set(line) for line in lines)
    assert lines[2]["service"] == "llm-gateway" and lines[2]["costUsd"] > 0 and lines[2]["tokensUsed"] == 13
