"""Our chat model, used as LangChain uses any."""

import pytest
from agent_core.clients.caller import Caller
from agent_core.clients.chat_model import GatewayChatModel, to_wire
from agent_core.clients.gateway import open_gateway
from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.testing import Answer, ScriptedGateway, call
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage


async def test_ainvoke_gives_the_whole_message_with_what_the_gateway_knows():
    scripted = ScriptedGateway([Answer("uno dos", calls=(call("add", {"a": 1}),), fallback_from="gpt-4o")])
    async with scripted.running() as url, open_gateway(url) as gateway:
        message = await GatewayChatModel(gateway=gateway, model="offline").ainvoke("hola", stop=["fin"], temperature=0)
    assert message.content == "uno dos"
    assert message.tool_calls == [{"name": "add", "args": {"a": 1}, "id": "call_add", "type": "tool_call"}]
    assert message.usage_metadata == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    answer = message.response_metadata["answer"]
    assert isinstance(answer, ModelAnswer) and answer.fallback_from == "gpt-4o"
    sent = scripted.requests[0]
    assert (sent["model"], sent["stop"], sent["temperature"], sent["stream"]) == ("offline", ["fin"], 0, True)


async def test_astream_gives_chunks_that_add_up():
    scripted = ScriptedGateway([Answer("uno dos tres", calls=(call("add", {"a": 1}), call("x", "[1]")))])
    async with scripted.running() as url, open_gateway(url) as gateway:
        model = GatewayChatModel(gateway=gateway, model="offline", caller=Caller(user="ana"))
        chunks = [chunk async for chunk in model.astream("hola")]
    assert [chunk.content for chunk in chunks[:3]] == ["uno", " dos", " tres"]
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    assert total.content == "uno dos tres"
    assert [item["name"] for item in total.tool_calls] == ["add"]
    assert [item["name"] for item in total.invalid_tool_calls] == ["x"]
    assert scripted.headers[0]["x-user-id"] == "ana"


async def test_it_is_asynchronous_only():
    async with open_gateway("http://127.0.0.1:1") as gateway:
        with pytest.raises(NotImplementedError):
            GatewayChatModel(gateway=gateway).invoke("hola")


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (SystemMessage("a"), {"role": "system", "content": "a"}),
        (HumanMessage("ñ"), {"role": "user", "content": "ñ"}),
        (AIMessage("b"), {"role": "assistant", "content": "b"}),
        (
            AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c"}]),
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "add", "args": {"a": 1}}]},
        ),
        (
            AIMessage("", invalid_tool_calls=[{"name": "add", "args": "{", "id": "c", "error": "e"}]),
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "add", "args": {}}]},
        ),
        (ToolMessage("15", tool_call_id="c"), {"role": "tool", "content": "15", "tool_call_id": "c"}),
        (
            ToolMessage("no", tool_call_id="c", status="error"),
            {"role": "tool", "content": "no", "tool_call_id": "c", "is_error": True},
        ),
    ],
)
def test_messages_in_the_gateways_form(message, wire):
    assert to_wire(message) == wire


def test_a_message_that_the_gateway_does_not_have_is_refused():
    with pytest.raises(TypeError, match="ChatMessage"):
        to_wire(ChatMessage("x", role="narrator"))
