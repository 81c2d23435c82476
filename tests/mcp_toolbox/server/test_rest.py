from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.tool import Hints, from_function

JSON = {"content-type": "application/json"}


async def call(http: httpx.AsyncClient, name: str, **arguments: Any) -> httpx.Response:
    return await http.post("/mcp/tools/call", json={"name": name, "arguments": arguments})


async def test_both_ways_of_listing_list_the_same(http: httpx.AsyncClient):
    got, posted, empty = await asyncio.gather(
        http.get("/mcp/tools/list"), http.post("/mcp/tools/list", json={}), http.post("/mcp/tools/list")
    )
    assert got.status_code == posted.status_code == empty.status_code == 200
    assert got.json() == posted.json() == empty.json()
    tools = got.json()["tools"]
    assert [tool["name"] for tool in tools] == ["add", "count_words", "multiply", "uppercase"]
    assert tools[0]["inputSchema"]["required"] == ["a", "b"]
    assert tools[0]["outputSchema"]["properties"] == {"result": {"type": "number"}}
    assert tools[0]["annotations"]["readOnlyHint"] is True


async def test_a_call_answers_text_and_data(http: httpx.AsyncClient):
    response = await call(http, "add", a=5, b=3)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    assert response.json() == {
        "content": [{"type": "text", "text": "8"}],
        "structuredContent": {"result": 8},
        "isError": False,
    }
    assert '"result":8}' in response.text


async def test_numbers_stay_exact_on_the_wire(http: httpx.AsyncClient):
    assert '"result":0.3}' in (await call(http, "add", a=0.1, b=0.2)).text
    assert '"result":9007199254740993}' in (await call(http, "add", a=2**53, b=1)).text
    response = await http.post(
        "/mcp/tools/call", content='{"name":"multiply","arguments":{"a":1E2,"b":-2.50}}', headers=JSON
    )
    assert response.json()["content"][0]["text"] == "-250"


async def test_unicode_passes_both_ways(http: httpx.AsyncClient):
    assert (await call(http, "uppercase", text="straße ñandú 👋")).json()["content"][0]["text"] == "STRASSE ÑANDÚ 👋"


async def test_an_unknown_tool_is_not_found(http: httpx.AsyncClient):
    response = await call(http, "subtract", a=5, b=3)
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("tool_not_found", "name")
    assert "subtract" in error["message"]
    assert error["request_id"] == response.headers["x-request-id"]


WRONG_ARGUMENTS = [
    ('{"a":5}', "b"),
    ("{}", "a"),
    ('{"a":"5","b":3}', "a"),
    ('{"a":true,"b":3}', "a"),
    ('{"a":5,"b":null}', "b"),
    ('{"a":5,"b":NaN}', "b"),
    ('{"a":5,"b":-Infinity}', "b"),
    ('{"a":1e999,"b":3}', "a"),
    ('{"a":' + "9" * 400 + ',"b":3}', "a"),
    ('{"a":5,"b":3,"c":1}', "c"),
    ("[5,3]", "arguments"),
    ('"5 3"', "arguments"),
]


async def test_arguments_that_do_not_fit_name_the_field(http: httpx.AsyncClient):
    for arguments, param in WRONG_ARGUMENTS:
        body = f'{{"name":"add","arguments":{arguments}}}'
        response = await http.post("/mcp/tools/call", content=body, headers=JSON)
        error = response.json()["error"]
        assert (arguments, response.status_code, error["param"]) == (arguments, 422, param)
        assert param in error["message"]


async def test_a_call_without_a_name_says_so(http: httpx.AsyncClient):
    for body in ["{}", '{"name":null}', '{"name":5}', '{"name":""}', '{"arguments":{}}']:
        response = await http.post("/mcp/tools/call", content=body, headers=JSON)
        assert (response.status_code, response.json()["error"]["param"]) == (422, "name")


async def test_a_body_that_is_no_object_is_refused(http: httpx.AsyncClient):
    for body in ["[]", "5", "null", '"add"']:
        response = await http.post("/mcp/tools/call", content=body, headers=JSON)
        assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


async def test_malformed_json_is_refused(http: httpx.AsyncClient):
    for body in [b"", b"{", b"{'name':'add'}", b'{"name":"\xff"}', b'{"name":"\\ud800"}', b"[" * 5000]:
        response = await http.post("/mcp/tools/call", content=body, headers=JSON)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_json")


async def test_missing_arguments_are_no_arguments(http: httpx.AsyncClient):
    response = await http.post("/mcp/tools/call", json={"name": "uppercase"})
    assert (response.status_code, response.json()["error"]["param"]) == (422, "text")


async def test_a_text_over_the_limit_is_refused_by_the_schema(http: httpx.AsyncClient):
    response = await call(http, "uppercase", text="a" * 100_001)
    assert (response.status_code, response.json()["error"]["param"]) == (422, "text")


async def test_a_body_over_the_limit_is_refused(serve_toolbox: Any):
    async with serve_toolbox(MAX_BODY_BYTES="1000") as url, httpx.AsyncClient(base_url=url) as http:
        response = await call(http, "uppercase", text="a" * 1000)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")

        async def chunks():
            yield b'{"name":"uppercase","arguments":{"text":"'
            for _ in range(20):
                yield b"a" * 100

        response = await http.post("/mcp/tools/call", content=chunks(), headers=JSON)
        assert response.status_code == 413
        assert (await call(http, "add", a=1, b=2)).status_code == 200


async def test_another_content_type_is_refused(http: httpx.AsyncClient):
    response = await http.post(
        "/mcp/tools/call", content='{"name":"add","arguments":{"a":5,"b":3}}', headers={"content-type": "text/plain"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_another_method_is_refused(http: httpx.AsyncClient):
    response = await http.get("/mcp/tools/call")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")


def fails() -> str:
    """Fail on purpose, whatever is asked."""
    raise ToolFailedError("the moon is in the wrong phase")


def crashes() -> str:
    """Fail by mistake, whatever is asked."""
    raise KeyError("secret")


async def test_a_failing_tool_is_an_answer(serve_toolbox: Any):
    extra = [from_function(function, Hints()) for function in (fails, crashes)]
    async with serve_toolbox(*extra) as url, httpx.AsyncClient(base_url=url) as http:
        failed, crashed = await call(http, "fails"), await call(http, "crashes")
        assert failed.status_code == crashed.status_code == 200
        assert failed.json() == {
            "content": [{"type": "text", "text": "the moon is in the wrong phase"}],
            "isError": True,
        }
        assert crashed.json()["isError"] is True
        assert "secret" not in crashed.text
        overflow = await call(http, "multiply", a=1e200, b=1e200)
        assert (overflow.status_code, overflow.json()["isError"]) == (200, True)


async def test_a_hundred_calls_at_once(http: httpx.AsyncClient):
    responses = await asyncio.gather(*(call(http, "multiply", a=i, b=i) for i in range(100)))
    assert [response.json()["structuredContent"]["result"] for response in responses] == [i * i for i in range(100)]


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(toolbox: str, http: httpx.AsyncClient):
    host, port = toolbox.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = ["POST /mcp/tools/call HTTP/1.1", f"host: {host}", "content-type: application/json", "content-length: 500"]
    writer.write("\r\n".join([*head, "", ""]).encode() + b'{"name"')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await call(http, "add", a=5, b=3)).json()["content"][0]["text"] == "8"


async def test_the_description_of_the_routes_is_complete(http: httpx.AsyncClient):
    document = (await http.get("/openapi.json")).json()
    call_ = document["paths"]["/mcp/tools/call"]["post"]
    body = call_["requestBody"]["content"]["application/json"]["schema"]
    listed = (await http.get("/mcp/tools/list")).json()["tools"]
    described = {one["properties"]["name"]["const"]: one["properties"]["arguments"] for one in body["oneOf"]}
    assert described == {tool["name"]: tool["inputSchema"] for tool in listed}
    assert {"200", "400", "404", "422"} <= set(call_["responses"])
    assert set(document["paths"]["/mcp/tools/list"]) == {"get", "post"}
    assert set(document["paths"]["/mcp"]) == {"get", "post", "delete"}
    assert {"/sse", "/messages/", "/health", "/healthz", "/readyz"} <= set(document["paths"])
    schemas = document["components"]["schemas"]
    assert {"structuredContent", "content", "isError"} == set(schemas["CallResult"]["properties"])
    assert {"inputSchema", "outputSchema", "annotations"} <= set(schemas["ListedTool"]["properties"])
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))
    assert json.dumps(document)
