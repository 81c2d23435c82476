"""Results of other servers: what is hidden in them, what breaks their own schemas, and what has no text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.upstream.result_text import visible, without_scripts


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u2066", "\u2069", "\u200e", "\U000e0041",
     "\U000e007f", "\u180e", "\U000e0100", "\x00", "\x1b", "\x7f", "\x85", "\u3164", "\u115f",
     "\u200d", "\u200c", "\u061c", "\u206a", "\ufff9"],
)  # fmt: skip
def test_a_hidden_character_is_taken_out(hidden: str):
    assert visible(f"a{hidden}b") == ("ab", 1)
    assert visible({f"k{hidden}": [f"{hidden}x", 1]}) == ({"k": ["x", 1]}, 2)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "line\nline\r\n\ttab",
        "ñandú 名前 שלום",
        "👨‍👩‍👧",
        "❤️",
        "🏳️‍🌈",
        "می‌خواهم",
        "क्‍ष",
        "\ue0b0 \uf8ff",
        "\ufffd",
        "",
    ],
)
def test_what_a_person_sees_stays(text: str):
    assert visible(text) == (text, 0)


def test_bytes_stay_and_links_that_run_something_go():
    assert visible({"type": "image", "data": "aGk=", "mimeType": "image/png"})[1] == 0
    for uri in ("javascript:alert(1)", " JavaScript:x", "java\nscript:x", "data:text/html,x", "vbscript:x"):
        block = without_scripts({"type": "resource_link", "name": "n", "uri": uri})
        assert block["type"] == "text"
        assert uri not in block["text"]
    link = {"type": "resource_link", "name": "n", "uri": "https://a.example/javascript:x"}
    assert without_scripts(link) == link


async def test_results_over_a_server(upstreams_of: Any, tmp_path: Path):
    script = tmp_path / "one.py"
    script.write_text(SERVER)
    async with upstreams_of({"one": {"command": "python3", "args": [str(script)]}}) as upstreams:
        await upstreams.connected("one")

        async def answer(result: Any) -> Any:
            return await upstreams.registry.call("one__answer", {"result": result})

        whole = await answer({"content": [{"type": "text", "text": "kept"}], "structuredContent": {"n": 1}})
        assert (whole.text, whole.structured, whole.is_error) == ("kept", {"n": 1}, False)
        for wrong in ({"n": 1, "extra": 2}, {"n": "1"}, {}):
            broken = await answer({"content": [{"type": "text", "text": "kept"}], "structuredContent": wrong})
            assert broken.content[0] == {"type": "text", "text": "kept"}
            assert "output schema" in broken.text and "has run" in broken.text
            assert (broken.structured, broken.is_error) == (None, False)
        bare = await answer({"content": [{"type": "text", "text": "kept"}]})
        assert bare.content[0]["text"] == "kept"
        assert bare.is_error
        silent = await answer({"content": [], "structuredContent": {"n": 7}})
        assert (json.loads(silent.text), silent.structured) == ({"n": 7}, {"n": 7})
        hidden = await answer(
            {"content": [{"type": "text", "text": "a\U000e0041\u200bb"}], "structuredContent": {"n": 1}}
        )
        assert hidden.text == "ab"
        link = {"type": "resource_link", "name": "a\u200b", "uri": "file:///a", "mimeType": "x/y", "description": "d"}
        linked = await answer({"content": [link], "structuredContent": {"n": 1}})
        assert linked.content[0] == {**link, "name": "a"}


SERVER = """
import json, sys
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        info = {"name": "one", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif message["method"] == "tools/list":
        result = {"tools": [{"name": "answer", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}]}
    elif message["method"] == "tools/call":
        result = message["params"]["arguments"]["result"]
    else:
        result = None
    answer = {"result": result} if result else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
