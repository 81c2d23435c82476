"""Logs on stdout: one JSON object per line, or readable text on a terminal.

Lines are formatted and written on a thread of their own, so that no request waits for either.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any, NamedTuple, TextIO

import msgspec
import structlog

from service_kit.ids import current_request_id, current_traceparent
from service_kit.telemetry.printable import printable, text_value, traceback_without_forgery

Event = MutableMapping[str, Any]


def get_logger(name: str) -> Any:
    """Returns a structlog logger, which is called as `log.info("message", key=value)`."""
    return structlog.stdlib.get_logger(name)


class Line(NamedTuple):
    """One line of a batch; `at` is in seconds since 1970."""

    level: int
    at: float
    message: str
    fields: Mapping[str, Any]


class TextOnly(str):
    """A value for a person at a terminal; JSON logs, which are collected by machines, leave it out."""

    __slots__ = ()


class _Batch(tuple[Line, ...]):
    """Many lines in one log record."""


def log_batch(name: str, lines: Iterable[Line]) -> None:
    """Logs many lines at the cost of one, for a hot path that collects its own."""
    logger = logging.getLogger(name)
    batch = _Batch(line for line in lines if logger.isEnabledFor(line.level))
    if batch:
        logger.handle(logger.makeRecord(name, max(line.level for line in batch), "", 0, batch, (), None))


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """structlog's formatter, extended to batches."""

    def __init__(self, service: str, as_text: bool, **options: Any) -> None:
        super().__init__(**options)
        self._service = service
        self._as_text = as_text

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, _Batch):
            return "\n".join(self._line(line) for line in record.msg)
        return super().format(record)

    def _line(self, line: Line) -> str:
        level = logging.getLevelName(line.level).lower()
        if self._as_text:
            pairs = " ".join(f"{name}={text_value(value)}" for name, value in line.fields.items())
            return f"{_clock(line.at)} [{level:<9}] {printable(line.message):<30} {pairs}"
        head = {"timestamp": _iso(line.at), "level": level, "message": line.message, "service": self._service}
        return _json({**head, **line.fields})


class _Queue(QueueHandler):
    """Passes records on unchanged; the listener formats them."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


@contextmanager
def logging_to(service: str, level: str, form: str, stream: TextIO | None = None):
    """Logs to `stream` (by default stdout) until the block ends, and then writes what is left.

    `form` is `json`, `text`, or `auto`, which is text if the stream is a terminal.
    """
    target: TextIO = stream or sys.stdout
    as_text = form == "text" or (form == "auto" and target.isatty())
    output = logging.StreamHandler(target)
    output.setFormatter(_formatter(service, as_text, target.isatty()))
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    listener = QueueListener(queue, output)
    handler = _Queue(queue)
    root = logging.getLogger()
    before, structlog_before = (root.handlers[:], root.level), structlog.get_config()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpx2", "httpcore", "mcp", "asyncio", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    _configure_structlog()
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        root.handlers, root.level = before
        structlog.configure(**structlog_before)


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _add_request,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _formatter(service: str, as_text: bool, colors: bool) -> logging.Formatter:
    def add_service(_: Any, __: str, event: Event) -> Event:
        event["service"] = service
        return event

    if as_text:
        last: list[Any] = [
            _as_text,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=traceback_without_forgery),
        ]
    else:
        last = [
            _without_text_only,
            structlog.processors.format_exc_info,
            add_service,
            _rename,
            structlog.processors.JSONRenderer(_json),
        ]
    return _Formatter(
        service,
        as_text,
        foreign_pre_chain=[structlog.stdlib.add_log_level],
        processors=[
            _local_time if as_text else _utc,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
        ],
    )


def _utc(_: Any, __: str, event: Event) -> Event:
    event["timestamp"] = _iso(event["_record"].created)
    return event


def _local_time(_: Any, __: str, event: Event) -> Event:
    event["timestamp"] = _clock(event["_record"].created)
    return event


def _iso(seconds: float) -> str:
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{micros:06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _add_request(_: Any, __: str, event: Event) -> Event:
    """Adds the current request's id, and the caller's trace if there is one."""
    request_id, trace = current_request_id.get(), current_traceparent.get()
    if request_id is not None:
        event.setdefault("requestId", request_id)
    if trace is not None:
        event.setdefault("traceId", trace.split("-")[1])
    return event


def _rename(_: Any, __: str, event: Event) -> Event:
    head = {"timestamp": event.pop("timestamp", None), "level": event.pop("level", None)}
    return {**head, "message": event.pop("event", ""), **event}


def _json_escape(character: str) -> str:
    """Returns a character as a JSON escape; the encoder has already escaped the control characters below U+0020."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _json(event: Any, **_: Any) -> str:
    try:
        data = msgspec.json.encode(event, enc_hook=str)
    except (ValueError, TypeError, RecursionError):  # half a surrogate pair, or keys of a strange type
        return json.dumps(event, default=str, skipkeys=True)
    if data.isascii() and b"\x7f" not in data:  # the encoder has escaped all else that ASCII has and cannot be printed
        return data.decode("ascii")
    return printable(data.decode(), _json_escape)


def _as_text(_: Any, __: str, event: Event) -> Event:
    """Escapes an event for a terminal: no field may begin a new line, control the terminal, or look like another
    field."""
    for name, value in event.items():
        if name == "event":
            event[name] = printable(str(value))
        elif name not in ("level", "timestamp", "exception", "stack") and isinstance(value, str):
            event[name] = _Shown(text_value(value))
    return event


class _Shown:
    """A value that structlog writes unchanged; it would quote a string again."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _without_text_only(_: Any, __: str, event: Event) -> Event:
    for name in [name for name, value in event.items() if isinstance(value, TextOnly)]:
        del event[name]
    return event
