"""What the terminal shows: the answer as it streams, the tools as they are called, and one line of figures."""

from __future__ import annotations

import json
import re
from typing import Any, TextIO

from agent_websocket.chat.texts import Texts

# A model or a tool may write what a terminal obeys: all control characters but tab and line feed are left out.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LONGEST_RESULT = 500


class Screen:
    """Writes to `out`, in color where it is a terminal; a prompt stands only where one can type."""

    def __init__(self, out: TextIO, texts: Texts, *, prompts: bool) -> None:
        self._out = out
        self._texts = texts
        self._prompts = prompts
        self._color = out.isatty()
        self._streamed = False
        self._column_0 = True

    def prompt(self) -> None:
        if self._prompts:
            self._new_line()
            self._write(self._styled("1;36", self._texts.prompt), column_0=True)

    def note(self, text: str) -> None:
        """A line about the conversation, not in it."""
        self._line("2", text)

    def alarm(self, text: str) -> None:
        self._line("31", text)

    def typed(self) -> None:
        """The user ended a line, which the terminal showed."""
        self._column_0 = True

    def show(self, frame: dict[str, Any]) -> None:
        """One frame of the service; those that say nothing to a reader are left out."""
        match frame["type"]:
            case "token":
                self._streamed = True
                self._write(_clean(frame["content"]))
            case "tool_call":
                self._streamed = False
                self.note(f"→ {self._texts.calls} {frame['tool']}({_arguments(frame['args'])})")
            case "tool_result":
                self._tool_result(frame)
            case "response":
                self._response(frame)
            case "queued":
                self.note(self._texts.queued.format(position=frame["position"]))
            case "cancelled":
                self._streamed = False
                self.note(self._texts.stopped)
            case "error":
                self._streamed = False
                self.alarm(f"✗ {_clean(frame['message'])} ({frame['code']})")

    def _tool_result(self, frame: dict[str, Any]) -> None:
        result = _clean(frame["result"])
        short = result if len(result) <= _LONGEST_RESULT else result[:_LONGEST_RESULT] + "…"
        show = self.alarm if frame["is_error"] else self.note
        show(f"  {'✗' if frame['is_error'] else '='} {short}  ({frame['duration_ms']:.0f} ms)")

    def _response(self, frame: dict[str, Any]) -> None:
        if not self._streamed:
            self._new_line()
            self._write(_clean(frame["content"]))
        self._streamed = False
        self.note(" · ".join(self._figures(frame)))

    def _figures(self, frame: dict[str, Any]) -> list[str]:
        model = frame["model"]
        if frame["provider"] == "offline":
            model += f" ({self._texts.planner})"
        if frame.get("fallback_from"):
            model += f" {self._texts.fallback.format(asked=frame['fallback_from'])}"
        figures = [model, self._texts.tokens.format(count=frame["usage"]["total_tokens"])]
        cost = frame["cost_usd"]
        if cost is not None:
            figures.append(self._texts.free if cost == 0 else f"{cost:.6f} USD")
        return [*figures, f"{frame['latency_ms'] / 1000:.1f} s"]

    def _line(self, style: str, text: str) -> None:
        self._new_line()
        self._write(self._styled(style, _clean(text)) + "\n", column_0=True)

    def _new_line(self) -> None:
        if not self._column_0:
            self._write("\n", column_0=True)

    def _write(self, text: str, *, column_0: bool | None = None) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._column_0 = text.endswith("\n") if column_0 is None else column_0

    def _styled(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._color else text


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)


def _arguments(args: dict[str, Any] | str) -> str:
    if isinstance(args, str):
        return args
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())
