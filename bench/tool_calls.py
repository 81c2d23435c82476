"""Requests that call the tool `add`, in each dialect that is measured; each brings its own number back."""

from __future__ import annotations

import http.client
import json
from typing import NamedTuple

from bench.spec import MARK, Spec

_CURRENT, _HANDSHAKE = "2026-07-28", "2025-11-25"
_CLIENT = {"name": "bench", "version": "1"}
_ACCEPT = {"accept": "application/json, text/event-stream"}


class Call(NamedTuple):
    """Where calls go and what they look like; `pid` is the process whose time they take, `wanted` what stands before
    the number in the answer."""

    port: int
    path: str
    headers: dict[str, str]
    body: str
    pid: int
    wanted: str = '"result":1'

    def spec(self, *, connections: int, window_s: float) -> Spec:
        """One window of such calls."""
        return Spec(
            port=self.port,
            path=self.path,
            headers=self.headers,
            body=self.body,
            connections=connections,
            window_s=window_s,
            digits=True,
            wanted=self.wanted,
            watch_pid=self.pid,
        )


def _arguments() -> str:
    return f'{{"a": 1{MARK}, "b": 0}}'  # no number begins with 0


def rest(port: int, pid: int, tool: str = "add") -> Call:
    """The toolbox's plain REST."""
    return Call(port, "/mcp/tools/call", {}, f'{{"name": "{tool}", "arguments": {_arguments()}}}', pid)


def openapi(port: int, pid: int) -> Call:
    """One route for each tool, as mcpo has it."""
    return Call(port, "/add", {}, _arguments(), pid, wanted="1")


def modern(port: int, pid: int, tool: str = "add") -> Call:
    """MCP 2026-07-28: no session, everything in the request."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": _CURRENT,
        "io.modelcontextprotocol/clientInfo": _CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {**_ACCEPT, "mcp-protocol-version": _CURRENT, "mcp-method": "tools/call", "mcp-name": tool}
    return Call(port, "/mcp", headers, _message(tool, f', "_meta": {json.dumps(meta)}'), pid)


def session(port: int, pid: int, tool: str = "add") -> Call:
    """MCP 2025-11-25, in a session that is opened here."""
    initialize = {"protocolVersion": _HANDSHAKE, "capabilities": {}, "clientInfo": _CLIENT}
    opened = _post(port, {}, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize})
    headers = {**_ACCEPT, "mcp-protocol-version": _HANDSHAKE, "mcp-session-id": opened}
    _post(port, headers, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    return Call(port, "/mcp", headers, _message(tool, ""), pid)


def listed(port: int, tool: str) -> bool:
    """Whether the toolbox offers this tool by now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/mcp/tools/list")
        return tool in [each["name"] for each in json.loads(connection.getresponse().read())["tools"]]
    finally:
        connection.close()


def _message(tool: str, more: str) -> str:
    params = f'{{"name": "{tool}", "arguments": {_arguments()}{more}}}'
    return f'{{"jsonrpc": "2.0", "id": 2{MARK}, "method": "tools/call", "params": {params}}}'


def _post(port: int, headers: dict[str, str], message: dict) -> str:
    """Send one message; gives the session's id, or nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        fields = {"content-type": "application/json", **_ACCEPT, **headers}
        connection.request("POST", "/mcp", json.dumps(message), fields)
        answer = connection.getresponse()
        answer.read()
        return answer.headers.get("mcp-session-id", "")
    finally:
        connection.close()
