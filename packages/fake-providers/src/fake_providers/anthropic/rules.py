"""The rules that Anthropic enforces with a 400, with its messages.

Sources: https://platform.claude.com/docs/en/api/messages/create, https://platform.claude.com/docs/en/api/errors,
https://platform.claude.com/docs/en/api/migration-2026-10-21
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_REQUIRED = ("model", "max_tokens", "messages")
_ALLOWED = frozenset(_REQUIRED) | {
    "cache_control", "container", "diagnostics", "inference_geo", "metadata", "output_config", "output_format",
    "service_tier", "speed", "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice", "tools",
    "top_k", "top_p", "user_profile_id",
}  # fmt: skip
_SAMPLING = ("temperature", "top_p", "top_k")
_FIRST_WITHOUT_SAMPLING = "2026-10-21"
_EFFORTS = (None, "low", "medium", "high", "xhigh", "max")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_MOST_CACHE_MARKS = 4


def mistake_in(raw: bytes, version: str, *, counting: bool = False) -> str | None:
    """Returns the message for the first rule that a body breaks, or None; `counting` is for `count_tokens`, which
    requires less."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"The request body is not valid JSON: {error}"
    return next(_mistakes(body, version, counting=counting), None)


def _mistakes(body: dict[str, Any], version: str, *, counting: bool) -> Iterator[str]:
    required = [name for name in _REQUIRED if not (counting and name == "max_tokens")]
    yield from (f"{name}: Field required" for name in required if name not in body)
    yield from (f"{name}: Extra inputs are not permitted" for name in sorted(set(body) - _ALLOWED))
    yield from _numbers(body, version)
    yield from _thinking(body)
    yield from _tools(body)
    yield from _turns(body)
    if raw_marks(body) > _MOST_CACHE_MARKS:
        yield f"A maximum of {_MOST_CACHE_MARKS} blocks with cache_control may be provided. Found {raw_marks(body)}."


def raw_marks(node: Any) -> int:
    """Returns the number of cache marks in a body."""
    if isinstance(node, dict):
        return ("cache_control" in node) + sum(raw_marks(value) for value in node.values())
    return sum(raw_marks(item) for item in node) if isinstance(node, list) else 0


def _numbers(body: dict[str, Any], version: str) -> Iterator[str]:
    if version >= _FIRST_WITHOUT_SAMPLING:
        yield from (f"{name}: Extra inputs are not permitted" for name in _SAMPLING if name in body)
    if body.get("max_tokens", 1) < 1:
        yield "max_tokens: must be greater than or equal to 1"
    for name in ("temperature", "top_p"):
        if not 0 <= body.get(name, 0) <= 1:
            yield f"{name}: range: 0..1"
    if body.get("output_config", {}).get("effort") not in _EFFORTS:
        yield "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
    for sequence in body.get("stop_sequences", ()):
        if not sequence.strip():
            yield "stop_sequences: each stop sequence must contain non-whitespace"


def _thinking(body: dict[str, Any]) -> Iterator[str]:
    thinking = body.get("thinking", {"type": "disabled"})
    if thinking["type"] not in ("enabled", "adaptive", "disabled", "between_tools"):
        yield f"thinking: Input tag {thinking['type']!r} does not match any of the expected tags"
    if thinking["type"] == "disabled":
        return
    if thinking["type"] == "enabled":
        if thinking.get("budget_tokens", 0) < 1024:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        if thinking["budget_tokens"] >= body.get("max_tokens", 2**31):
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if body.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if "top_k" in body:
        yield "`top_k` must be unset when thinking is enabled."


def _tools(body: dict[str, Any]) -> Iterator[str]:
    names = [tool.get("name", "") for tool in body.get("tools", ())]
    for index, tool in enumerate(body.get("tools", ())):
        if not _TOOL_NAME.fullmatch(tool.get("name", "")):
            yield f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if tool.get("type", "custom") == "custom" and tool.get("input_schema", {}).get("type") != "object":
            yield f"tools.{index}.custom.input_schema.type: Field required"
    if len(set(names)) != len(names):
        yield "tools: Tool names must be unique."
    choice = body.get("tool_choice")
    if choice is None:
        return
    if choice.get("type") not in ("auto", "any", "tool", "none"):
        yield f"tool_choice: Input tag {choice.get('type')!r} does not match any of the expected tags"
    if not names:
        yield "tool_choice: may only be specified while providing `tools`"
    if choice["type"] == "tool" and choice.get("name") not in names:
        yield f"Tool '{choice.get('name')}' not found in provided tools"


# --- turns -----------------------------------------------------------------------------------------------


def _turns(body: dict[str, Any]) -> Iterator[str]:
    yield from _blocks("system", body.get("system", "x"), ("text",))
    if not body["messages"]:
        yield "messages: at least one message is required"
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, turn in enumerate(body["messages"]):
        where = f"messages.{number}"
        if turn.get("role") not in _KINDS:
            yield f"{where}.role: Input should be 'user', 'assistant' or 'system'"
            return
        if not turn.get("content"):
            yield f"{where}: {turn['role']} messages must have non-empty content"
        yield from _blocks(f"{where}.content", turn["content"], _KINDS[turn["role"]])
        yield from _pairs(where, turn, open_calls)
        open_calls = [block["id"] for block in _listed(turn["content"]) if block["type"] == "tool_use"]
        if len(set(open_calls) - seen) < len(open_calls):
            yield f"{where}.content: `tool_use` ids must be unique"
        seen.update(open_calls)
    if open_calls:
        yield f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(open_calls)}."


_KINDS = {
    "user": ("text", "image", "document", "tool_result", "search_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result"),
    "system": ("text",),
}


def _listed(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _pairs(where: str, turn: dict[str, Any], open_calls: list[str]) -> Iterator[str]:
    """Checks that a turn begins with the results of exactly the calls in the previous turn."""
    blocks = _listed(turn["content"])
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for id_ in results:
        if id_ not in open_calls:
            yield f"{where}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id_}."
    missing = [id_ for id_ in open_calls if id_ not in results]
    if missing:
        yield f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing[0]}."
    if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
        yield f"{where}: `tool_result` blocks must come before other content."


def _blocks(where: str, content: Any, kinds: tuple[str, ...]) -> Iterator[str]:
    for index, block in enumerate(_listed(content)):
        kind, place = block.get("type"), f"{where}.{index}"
        if kind not in kinds:
            yield f"{place}: Input tag {kind!r} found using 'type' does not match any of the expected tags"
        yield from _block(place, block)


def _block(place: str, block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "text":
            if not block["text"]:
                yield f"{place}: text content blocks must be non-empty"
            elif not block["text"].strip():
                yield f"{place}: text content blocks must contain non-whitespace text"
        case "tool_use":
            if not _TOOL_ID.fullmatch(block["id"]):
                yield f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if not isinstance(block["input"], dict):
                yield f"{place}.tool_use.input: Input should be an object"
        case "tool_result":
            yield from _blocks(f"{place}.tool_result.content", block.get("content", []), ("text", "image", "document"))
        case "image":
            yield from _source(place, block["source"])
        case "thinking":
            if not block["signature"]:
                yield f"{place}: Invalid `signature` in `thinking` block"


def _source(place: str, source: dict[str, Any]) -> Iterator[str]:
    match source.get("type"):
        case "base64":
            if source.get("media_type") not in ("image/jpeg", "image/png", "image/gif", "image/webp"):
                yield f"{place}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', …"
            if not source.get("data"):
                yield f"{place}.image.source.base64.data: Field required"
        case "url":
            if not source.get("url", "").startswith(("http://", "https://")):
                yield f"{place}.image.source.url.url: Only HTTP and HTTPS URLs are supported"
        case other:
            yield f"{place}.image.source: Input tag {other!r} does not match any of the expected tags"
