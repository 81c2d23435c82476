"""A hand-written MCP server over its standard streams, which starts at once and misbehaves as told.

    plain.py ['{"tools": "FILE", "record": "FILE", "hang_on": "tools/list", …}']

`tools` is a JSON file of further tools, which are listed again whenever it changes. `record` is a file to which every
incoming message is written. With `interviews` it has a tool that asks
a person. `capabilities` are declared beside those of tools, and `answers` are results by method.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
SAYING = threading.Lock()
CANCELLED: set[Any] = set()
REPLIES: dict[str, queue.Queue[Any]] = {}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": f"The tool {name}.", "inputSchema": schema}


TOOLS = [
    tool("echo", text={"type": "string"}),
    tool("env"),
    tool("pids"),
    tool("big", size={"type": "integer"}),
    tool("slow", seconds={"type": "number"}),
    tool("die"),
    tool("fail", code={"type": "integer"}),
    tool("answer", result={}),
    tool("raw", line={"type": "string"}),
    tool("ask"),
]
if OPTIONS.get("interviews"):
    TOOLS.append(tool("interview", params={"type": "object"}))


def say(message: dict[str, Any]) -> None:
    line = json.dumps({"jsonrpc": "2.0", **message})
    with SAYING:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def listed() -> list[dict[str, Any]]:
    more = Path(OPTIONS["tools"]) if "tools" in OPTIONS else None
    return TOOLS + (json.loads(more.read_text()) if more else [])


def call(message: dict[str, Any]) -> dict[str, Any] | None:
    name, arguments = message["params"]["name"], message["params"].get("arguments", {})
    if name == "env":
        return text(json.dumps(dict(os.environ)))
    if name == "pids":
        return text(json.dumps({"server": os.getpid(), "parent": os.getppid(), "child": CHILD and CHILD.pid}))
    if name == "big":
        return text("x" * arguments["size"])
    if name == "slow":
        return slow(message, arguments["seconds"])
    if name == "die":
        os._exit(3)
    if name == "answer":
        return arguments["result"]
    if name == "raw":
        with SAYING:
            os.write(1, arguments["line"].replace("ID", str(message["id"])).encode("latin-1"))
        return None
    if name == "interview":
        REPLIES[id_ := f"interview-{message['id']}"] = replies = queue.Queue(1)
        say({"id": id_, "method": "elicitation/create", "params": arguments["params"]})
        return text(json.dumps(replies.get()))
    if name == "ask":
        say(
            {
                "id": "q1",
                "method": "elicitation/create",
                "params": {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}},
            }
        )
        return text("asked")
    return text(arguments.get("text", name))


def slow(message: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    token = message["params"].get("_meta", {}).get("progressToken")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if message["id"] in CANCELLED:
            return None
        if token is not None:
            params = {"progressToken": token, "progress": 1, "total": 2, "message": "half"}
            say({"method": "notifications/progress", "params": params})
            token = None
        time.sleep(0.01)
    return text("done")


def text(value: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}]}


def answer(message: dict[str, Any]) -> None:
    method, params = message["method"], message.get("params", {})
    if method == OPTIONS.get("hang_on"):
        return None
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}, **OPTIONS.get("capabilities", {})}
        info = {"name": "plain", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info}
    elif method == "tools/list":
        tools, at, size = listed(), int(params.get("cursor", 0)), OPTIONS.get("page", 1000)
        result: dict[str, Any] = {"tools": tools[at : at + size]}
        if at + size < len(tools):
            result["nextCursor"] = str(at + size)
    elif method == "tools/call" and params["name"] == "fail":
        return say({"id": message["id"], "error": {"code": params["arguments"]["code"], "message": "no\u200b luck"}})
    elif method == "tools/call":
        called = call(message)
        if called is None:
            return None
        result = called
    elif method in OPTIONS.get("answers", {}):
        result = OPTIONS["answers"][method]
    else:
        return say({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
    return say({"id": message["id"], "result": result})


def watch_tools(path: Path) -> None:
    seen = path.read_bytes()
    while True:
        time.sleep(0.02)
        # Not the file's time, which stays the same for some milliseconds; an empty file is about to be written.
        if (now := path.read_bytes()) != seen and now:
            seen = now
            say({"method": "notifications/tools/list_changed"})


if OPTIONS.get("dead"):
    sys.exit("I am not well")
if "banner" in OPTIONS:
    print(OPTIONS["banner"], flush=True)
    print(OPTIONS["banner"], file=sys.stderr, flush=True)
CHILD = (
    subprocess.Popen(["sleep", "600"], start_new_session=True, stdin=subprocess.DEVNULL)
    if OPTIONS.get("child")
    else None
)
if OPTIONS.get("tools"):
    threading.Thread(target=watch_tools, args=(Path(OPTIONS["tools"]),), daemon=True).start()
for line in sys.stdin:
    received = json.loads(line)
    if "record" in OPTIONS:
        with Path(OPTIONS["record"]).open("a") as record:
            record.write(line)
    if received.get("id") in REPLIES and "method" not in received:
        REPLIES[received["id"]].put(received.get("result", received.get("error")))
    elif received.get("method") == "notifications/cancelled":
        CANCELLED.add(received["params"]["requestId"])
    elif OPTIONS.get("deaf") and received.get("method") == "tools/call":
        time.sleep(600)
    elif "id" in received and "method" in received:
        threading.Thread(target=answer, args=(received,), daemon=True).start()
if OPTIONS.get("stubborn"):
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
