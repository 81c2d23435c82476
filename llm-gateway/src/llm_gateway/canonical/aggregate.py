"""Converts streams to results and back: the aggregate of a stream equals the plain answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Finish,
    Logprobs,
    Part,
    Reasoning,
    Refusal,
    Result,
    Signature,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)

_UNFINISHED = Finish(reason="stop")


class Aggregate:
    """Collects the events of one stream; `result()` is valid at any time, also of a stream that was cut."""

    __slots__ = ("_blocks", "_finish", "_logprobs", "_pieces", "_signatures", "model", "usage")

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], BlockStart] = {}
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._signatures: dict[tuple[int, int], Signature] = {}
        self._logprobs: dict[int, list[dict[str, object]]] = {}
        self._finish: dict[int, Finish] = {}
        self.usage: Usage | None = None
        self.model: str | None = None

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            kind = type(event)
            if kind is Delta:
                self._pieces[(event.choice, event.index)].append(event.text)  # type: ignore[union-attr]
            else:
                self._feed_rare(event)

    def _feed_rare(self, event: Event) -> None:
        match event:
            case BlockStart():
                self._blocks[(event.choice, event.index)] = event
                self._pieces[(event.choice, event.index)] = []
            case Signature():
                self._signatures[(event.choice, event.index)] = event
            case Logprobs():
                self._logprobs.setdefault(event.choice, []).append(event.value)
            case Finish():
                self._finish[event.choice] = event
            case UsageReport():
                self.usage = event.usage
                self.model = event.model or self.model

    @property
    def finished(self) -> bool:
        """Whether each choice that began has ended."""
        return bool(self._finish) and all(choice in self._finish for choice, _ in self._blocks)

    def characters(self) -> int:
        """The number of characters of text, reasoning and arguments so far."""
        return sum(len(piece) for pieces in self._pieces.values() for piece in pieces)

    def result(self) -> Result:
        count = 1 + max((choice for choice, _ in (*self._blocks, *((c, 0) for c in self._finish))), default=0)
        return Result(choices=tuple(self._choice(index) for index in range(count)), usage=self.usage, model=self.model)

    def _choice(self, choice: int) -> Choice:
        keys = sorted(key for key in self._blocks if key[0] == choice)
        finish = self._finish.get(choice, _UNFINISHED)
        return Choice(
            content=tuple(self._part(key) for key in keys),
            finish_reason=finish.reason,
            stop_sequence=finish.stop_sequence,
            logprobs=_joined(self._logprobs.get(choice)),
        )

    def _part(self, key: tuple[int, int]) -> Part:
        block = self._blocks[key]
        text = "".join(self._pieces[key])
        match block.kind:
            case "tool_call":
                return ToolCall(id=block.id or "", name=block.name or "", arguments=text)
            case "reasoning":
                return _reasoning(text, self._signatures.get(key))
            case "refusal":
                return Refusal(text=text)
            case _:
                return Text(text=text)


def _reasoning(text: str, signed: Signature | None) -> Reasoning:
    if signed is None:
        return Reasoning(text=text)
    return Reasoning(text=text, signature=signed.signature, provider=signed.provider, redacted=signed.redacted)


def _joined(pieces: list[dict[str, object]] | None) -> dict[str, object] | None:
    """Joins the logprobs of several chunks (OpenAI's form) by concatenating their lists."""
    if not pieces:
        return None
    joined: dict[str, object] = {}
    for piece in pieces:
        for name, value in piece.items():
            before = joined.get(name)
            joined[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return joined


def events_of(result: Result) -> Iterator[Event]:
    """Returns a result as a stream, with one delta for each block."""
    tools = 0
    for number, choice in enumerate(result.choices):
        for index, part in enumerate(choice.content):
            start = _start(part, index, number, tools)
            if start is None:
                continue
            tools += start.kind == "tool_call"
            yield start
            text = part.arguments if isinstance(part, ToolCall) else getattr(part, "text", "")
            if text:
                yield Delta(index=index, text=text, choice=number)
            if isinstance(part, Reasoning) and part.signature:
                yield Signature(
                    index=index, signature=part.signature, provider=part.provider, choice=number, redacted=part.redacted
                )
            yield BlockStop(index=index, choice=number)
        tools = 0
        if choice.logprobs is not None:
            yield Logprobs(value=choice.logprobs, choice=number)
        yield Finish(reason=choice.finish_reason, choice=number, stop_sequence=choice.stop_sequence)
    if result.usage is not None:
        yield UsageReport(usage=result.usage, model=result.model)


def _start(part: Part, index: int, choice: int, tools: int) -> BlockStart | None:
    match part:
        case ToolCall():
            return BlockStart(
                index=index, kind="tool_call", choice=choice, tool_index=tools, id=part.id, name=part.name
            )
        case Text():
            return BlockStart(index=index, kind="text", choice=choice)
        case Reasoning():
            return BlockStart(index=index, kind="reasoning", choice=choice)
        case Refusal():
            return BlockStart(index=index, kind="refusal", choice=choice)
        case _:
            return None
