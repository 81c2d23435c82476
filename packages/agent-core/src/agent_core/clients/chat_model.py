"""Our own LangChain chat model over the gateway's native stream.

`ChatOpenAI` against the gateway would lose what the agent must show: the provider, the fallback, the cost.
Here they arrive in the last chunk's `response_metadata`, under the gateway's own names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from agent_core.clients.caller import Caller
from agent_core.clients.gateway import Gateway
from agent_core.clients.gateway_stream import ModelAnswer, ModelToolCall
from agent_core.deadline import Deadline

_THOUGHTS = "reasoning_details"
"""Where a message keeps the signed thoughts that some providers want back after a tool's result."""


class GatewayChatModel(BaseChatModel):
    """A chat model that the gateway answers; asynchronous only.

    `model`, `caller` and `deadline` may be given with each call. Raises the errors of `agent_core.clients.gateway`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    gateway: Gateway
    model: str = ""
    caller: Caller = Caller()

    @property
    def _llm_type(self) -> str:
        return "llm-gateway"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        model: str | None = None,
        caller: Caller | None = None,
        deadline: Deadline | None = None,
        tools: Sequence[dict[str, Any]] = (),
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        payload: dict[str, Any] = {"model": model or self.model, "messages": [to_wire(item) for item in messages]}
        if tools:
            payload["tools"] = list(tools)
        if stop:
            payload["stop"] = stop
        answers = self.gateway.generate(payload | kwargs, caller or self.caller, deadline)
        try:
            async for piece in answers:
                yield ChatGenerationChunk(message=_chunk(piece))
        finally:
            # Now, not when the garbage collector comes: a stopped run must stop its model.
            await answers.aclose()

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        texts: list[str] = []
        last = AIMessageChunk(content="")
        async for chunk in self._astream(messages, stop, run_manager, **kwargs):
            assert isinstance(chunk.message, AIMessageChunk)
            last = chunk.message
            texts.append(str(last.content))
        return ChatResult(generations=[ChatGeneration(message=complete_message("".join(texts), last))])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("the agent is asynchronous: use ainvoke or astream")


def complete_message(text: str, last: AIMessageChunk) -> AIMessage:
    """Returns the complete message: its text, with tool calls, usage and metadata from the last chunk."""
    return AIMessage(
        content=text,
        additional_kwargs=last.additional_kwargs,
        tool_calls=last.tool_calls,
        invalid_tool_calls=last.invalid_tool_calls,
        usage_metadata=last.usage_metadata,
        response_metadata=last.response_metadata,
    )


def _chunk(piece: str | ModelAnswer) -> AIMessageChunk:
    if isinstance(piece, str):
        return AIMessageChunk(content=piece)
    valid, invalid = _parse_calls(piece.tool_calls)
    return AIMessageChunk(
        content="",
        additional_kwargs={_THOUGHTS: list(piece.reasoning_details)} if piece.reasoning_details else {},
        tool_calls=valid,
        invalid_tool_calls=invalid,
        usage_metadata=UsageMetadata(
            input_tokens=piece.usage.prompt_tokens,
            output_tokens=piece.usage.completion_tokens,
            total_tokens=piece.usage.total_tokens,
        ),
        response_metadata={"answer": piece, "model_name": piece.model, "finish_reason": piece.finish_reason},
        chunk_position="last",
    )


def _parse_calls(calls: Sequence[ModelToolCall]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        try:
            args = msgspec.json.decode(call.args or "{}", type=dict[str, Any] | None) or {}  # some models write null
            valid.append(ToolCall(name=call.name, args=args, id=call.id, type="tool_call"))
        except msgspec.MsgspecError:
            invalid.append(
                InvalidToolCall(
                    name=call.name, args=call.args, id=call.id, error="not a JSON object", type="invalid_tool_call"
                )
            )
    return valid, invalid


def to_wire(message: BaseMessage) -> dict[str, Any]:
    """Returns a LangChain message in the gateway's native form."""
    content = str(message.text)
    if isinstance(message, AIMessage):
        # A call whose arguments were not JSON goes back without them; the tool's answer to it says what was wrong.
        calls = [{"id": call["id"], "name": call["name"], "args": call["args"]} for call in message.tool_calls]
        calls += [{"id": call["id"], "name": call["name"], "args": {}} for call in message.invalid_tool_calls]
        thoughts = message.additional_kwargs.get(_THOUGHTS)
        sent = {"role": "assistant", "content": content or None}
        return sent | ({"tool_calls": calls} if calls else {}) | ({_THOUGHTS: thoughts} if thoughts else {})
    if isinstance(message, ToolMessage):
        failed = {"is_error": True} if message.status == "error" else {}
        return {"role": "tool", "content": content, "tool_call_id": message.tool_call_id} | failed
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": content}
    if isinstance(message, HumanMessage):
        return {"role": "user", "content": content}
    raise TypeError(f"the gateway has no message like {type(message).__name__}")
