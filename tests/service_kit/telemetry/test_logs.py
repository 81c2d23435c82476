"""Logs: one JSON object per line, or text; written by their own thread."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import structlog
from service_kit.ids import current_request_id
from service_kit.settings import Secret
from service_kit.telemetry.logs import Line, TextOnly, get_logger, log_batch, logging_to


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def written(level: str, act: Any, form: str = "json") -> str:
    """What `act(log)` writes."""
    stream = StringIO()
    with logging_to("small", level, form, stream):
        act(get_logger("a.logger"))
    return stream.getvalue()


def objects(level: str, act: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(level, act).splitlines()]


def test_one_object_a_line():
    (line,) = objects("INFO", lambda log: log.info("hello\nthere", tokensUsed=3, model="ñ"))
    stamp = line.pop("timestamp")
    assert stamp.endswith("Z")
    assert line == {"level": "info", "message": "hello\nthere", "service": "small", "tokensUsed": 3, "model": "ñ"}


def test_the_request_id_comes_along():
    token = current_request_id.set("r-1")
    try:
        assert objects("INFO", lambda log: log.info("x"))[0]["requestId"] == "r-1"
        assert objects("INFO", lambda log: log.info("x", requestId="own"))[0]["requestId"] == "own"
    finally:
        current_request_id.reset(token)
    assert "requestId" not in objects("INFO", lambda log: log.info("x"))[0]


@pytest.mark.parametrize(("level", "seen"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_the_level_filters(level: str, seen: int):
    def act(log: Any) -> None:
        for number, name in enumerate(("debug", "info", "warning", "error")):
            getattr(log, name)(str(number))

    assert len(objects(level, act)) == seen


def test_an_exception_is_one_line_with_its_trace():
    def act(log: Any) -> None:
        try:
            raise ValueError("no such thing")
        except ValueError as error:
            log.error("failed", exc_info=error)

    (line,) = objects("INFO", act)
    assert "ValueError: no such thing" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_what_json_lacks_is_written_as_text():
    odd = {"amount": Decimal("0.10"), "set": {1}, "object": Exception("e"), "nan": float("nan"), "bytes": b"x"}
    (line,) = objects("INFO", lambda log: log.info("x", **odd))
    assert (line["amount"], line["set"], line["object"], line["nan"]) == ("0.10", [1], "e", None)


def test_a_secret_is_never_written():
    for form in ("json", "text"):
        text = written(
            "INFO", lambda log: log.info("x", key=Secret("hunter2"), nested={"key": Secret("hunter2")}), form
        )
        assert "hunter2" not in text
        assert "***" in text


def test_the_libraries_lines_are_json_too():
    def act(_: Any) -> None:
        logging.getLogger("somebody.elses").warning("told %s", "so")
        logging.getLogger("httpx").info("every request")  # chatty

    (line,) = objects("INFO", act)
    assert (line["message"], line["level"], line["service"]) == ("told so", "warning", "small")


def test_text():
    line = written("INFO", lambda log: log.info("hello", model="gpt-4o"), "text")
    assert "hello" in line
    assert "model=gpt-4o" in line
    assert "\x1b" not in line
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


def test_auto_is_text_on_a_terminal_and_json_elsewhere():
    assert written("INFO", lambda log: log.info("x"), "auto").startswith("{")
    terminal = Terminal()
    with logging_to("small", "INFO", "auto", terminal):
        get_logger("a").info("x")
    assert not terminal.getvalue().startswith("{")


LINES = [
    Line(logging.INFO, 1_700_000_000.5, "call", {"model": "a", "costUsd": 0.5}),
    Line(logging.DEBUG, 1_700_000_001, "detail", {}),
    Line(logging.WARNING, 1_700_000_002, "call failed", {"error": "x"}),
]


def test_a_batch_is_many_lines():
    first, second = objects("INFO", lambda _: log_batch("calls", LINES))
    assert first == {
        "timestamp": "2023-11-14T22:13:20.500000Z", "level": "info", "message": "call", "service": "small",
        "model": "a", "costUsd": 0.5,
    }  # fmt: skip
    assert (second["message"], second["level"], second["error"]) == ("call failed", "warning", "x")


def test_a_batch_is_filtered_line_by_line():
    assert [line["message"] for line in objects("WARNING", lambda _: log_batch("calls", LINES))] == ["call failed"]
    assert written("ERROR", lambda _: log_batch("calls", LINES)) == ""
    assert written("INFO", lambda _: log_batch("calls", [])) == ""


def test_a_batch_as_text():
    lines = written("INFO", lambda _: log_batch("calls", LINES), "text").splitlines()
    assert len(lines) == 2
    assert "call failed" in lines[1]
    assert "error=x" in lines[1]


def test_everything_is_as_before_afterwards():
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()
    written("DEBUG", lambda log: log.info("x"))
    assert (root.handlers[:], root.level, structlog.get_config()) == before


# --- what others chose ---

FORGED = "/x\n09:00:00 [info     ] request userId=key_victim\x1b[2J\x9b2J\u202e\u200b\u2028\u00a0\ue000\r"


def _written(form: str, **fields: object) -> str:
    stream = StringIO()
    with logging_to("small", "INFO", form, stream):
        get_logger("test").info(f"message {FORGED}", path=FORGED, **fields)
        logging.getLogger("another.module").warning("its %s", FORGED)
        log_batch("test", [Line(logging.INFO, 1_700_000_000.0, FORGED, {"path": FORGED, "status": 200})])
        try:
            raise RuntimeError(FORGED)
        except RuntimeError as error:
            get_logger("test").error("broken", exc_info=error)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_chose_can_neither_forge_lines_nor_draw(form: str):
    lines = _written(form).rstrip("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("09:00:00 [info     ] request userId=key_victim") for line in lines)
    if form == "json":
        assert json.loads(lines[0])["path"] == FORGED  # escaped, not lost
    else:
        assert "\\n09:00:00" in lines[0]


def test_a_value_with_spaces_is_no_second_field():
    written = _written("text", model='a" userId="key_victim')
    assert r'model="a\" userId=\"key_victim"' in written


def test_a_value_for_the_terminal_is_in_no_json_line():
    assert "s3cret" in _written("text", token=TextOnly("s3cret"))
    assert "s3cret" not in _written("json", token=TextOnly("s3cret"))


@pytest.mark.parametrize("text", ["\ud800", "a\udfff\nb", "\udc80\x1b[2J\u2028\x00"])
def test_half_a_surrogate_pair_loses_no_line(text: str):
    written = StringIO()
    with logging_to("s", "INFO", "json", written):
        get_logger("t").info(text, value=text, nested={"a": [text]})
        logging.getLogger("t").info("%s", text)
        log_batch("t", [Line(logging.INFO, 0.0, text, {"path": text})])
    lines = written.getvalue().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [text] * 3 and all(map(str.isprintable, lines))
