"""A request with tools as one without: the tools in the prompt, earlier calls and results as plain turns."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Image, Message, Part, Refusal, Request, Text, Tool, ToolCall
from llm_gateway.providers.emulated_tools.plan import Plan

_encode = msgspec.json.Encoder().encode


def rewritten(request: Request, plan: Plan) -> Request:
    """Returns `request` as a model without tool calling can take it."""
    messages = _turns(request.messages, plan)
    if plan.tools:
        messages = _instructed(messages, _instructions(plan))
    return msgspec.structs.replace(
        request,
        messages=tuple(messages),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        response_format=plan.response_format,
        stop=plan.stop,
    )


def _instructions(plan: Plan) -> str:
    more = "" if plan.one_call else ",…"
    call = f'{{"tool_calls":[{{"name":NAME,"arguments":{{…}}}}{more}]}}'
    lines = ["You can call these functions, given with the JSON schema of their arguments:"]
    lines += [_json(_described(tool)) for tool in plan.tools]
    if plan.must_call:
        lines.append(f"Reply with a function call and nothing else: {call}")
    elif plan.envelope is not None:
        answer = '{"answer":"your text"}' if plan.envelope == "text" else '{"answer":the JSON value asked for}'
        lines.append(f"Reply with {call} to call a function, or with {answer} when you need none.")
    else:
        lines.append(f"To call a function, reply with {call} and nothing else; else reply in plain text.")
    lines.append('Results come back as {"tool_results":[…]}. Never make up a result.')
    return "\n".join(lines)


def _described(tool: Tool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": tool.name}
    if tool.description:
        described["description"] = tool.description
    described["arguments"] = tool.parameters or {"type": "object"}
    return described


def _instructed(messages: list[Message], instructions: str) -> list[Message]:
    """Returns the instructions in the first system turn: many chat templates take one alone, and only in front."""
    if messages and messages[0].role == "system":
        first = messages[0]
        return [
            msgspec.structs.replace(first, content=(*first.content, Text(text="\n\n" + instructions))),
            *messages[1:],
        ]
    return [Message(role="system", content=(Text(text=instructions),)), *messages]


# --- earlier turns ---------------------------------------------------------------------------------------


def _turns(messages: tuple[Message, ...], plan: Plan) -> list[Message]:
    turns: list[Message] = []
    asked: dict[str, ToolCall] = {}
    results: list[Message] = []
    for message in messages:
        if message.role == "tool":
            results.append(message)
            continue
        if results:
            turns.append(_results(results, asked))
            message = _joined(turns, message)
            results = []
        if message.role == "assistant":
            asked |= {part.id: part for part in message.content if isinstance(part, ToolCall)}
            message = _spoken(message, plan)
        turns.append(message)
    if results:
        turns.append(_results(results, asked))
    return turns


def _joined(turns: list[Message], message: Message) -> Message:
    """Returns a user's words after results, in one turn with them: many chat templates want turns to alternate."""
    if message.role != "user":
        return message
    return msgspec.structs.replace(message, content=(*turns.pop().content, Text(text="\n\n"), *message.content))


def _spoken(message: Message, plan: Plan) -> Message:
    """Returns an assistant's turn, in the notation in which it is asked to speak now."""
    calls = [part for part in message.content if isinstance(part, ToolCall)]
    text = "".join(part.text for part in message.content if isinstance(part, (Text, Refusal)))
    if calls:
        written = _json({"tool_calls": [{"name": call.name, "arguments": _value(call.arguments)} for call in calls]})
        return msgspec.structs.replace(message, content=(Text(text=f"{text}\n{written}" if text else written),))
    if plan.envelope is None or not text:
        return message
    answer = _value(text) if plan.envelope == "value" else text
    return msgspec.structs.replace(message, content=(Text(text=_json({"answer": answer})),))


def _results(results: list[Message], asked: dict[str, ToolCall]) -> Message:
    entries: list[dict[str, Any]] = []
    images: list[Part] = []
    for result in results:
        call = asked.get(result.tool_call_id or "")
        entry: dict[str, Any] = {"name": call.name if call else result.name or result.tool_call_id}
        if call is not None and len(results) > 1:
            entry["arguments"] = _value(call.arguments)  # tells apart several calls of one tool
        entry["error" if result.is_error else "result"] = result.text()
        entries.append(entry)
        images += [part for part in result.content if isinstance(part, Image)]
    return Message(role="user", content=(Text(text=_json({"tool_results": entries})), *images))


def _value(text: str) -> Any:
    """JSON text as a value that is written as it stands; what is no JSON, as a string."""
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
    return msgspec.Raw(text.encode())


def _json(value: Any) -> str:
    return _encode(value).decode()
