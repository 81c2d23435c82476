"""The command line: what is asked, what is shown, and with which exit code.

0: everything went well; 1: a tool failed, or a server of the file is not as it should be; 2: what was asked is wrong;
3: the server cannot be talked to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mcp import Client, MCPError, types
from service_kit.telemetry.logs import logging_to

from mcp_toolbox.cli.arguments import WrongArgument, arguments_of
from mcp_toolbox.cli.check import Checked, checked
from mcp_toolbox.cli.table import table
from mcp_toolbox.cli.target import ServerAway, WrongCommand, target_of, with_client
from mcp_toolbox.cli.texts import Texts, language_of
from mcp_toolbox.upstream.errors import ServersFileError

OK, FAILED, WRONG, AWAY = 0, 1, 2, 3
_MOST_PAGES = 100
_MOST_SECONDS = 86_400


@dataclass(frozen=True)
class Outcome:
    """What is written to standard output and to standard error, and the exit code."""

    code: int
    output: str = ""
    error: str = ""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    environ = dict(os.environ)
    texts = Texts(language_of(environ))
    asked = _parser(texts).parse_args(words)
    logging.disable(logging.CRITICAL)  # what the table says is not said again in lines of a log
    try:
        with logging_to("mcp", "ERROR", "text", sys.stderr):
            outcome = asyncio.run(_run(asked, environ, texts))
    except ServerAway as away:
        outcome = Outcome(AWAY, error=str(away))
    except WrongCommand as wrong:
        outcome = Outcome(WRONG, error=str(wrong))
    except ServersFileError as error:
        outcome = Outcome(WRONG, error=f"{asked.file}: {error}")
    except KeyboardInterrupt:
        return 130
    return _written(outcome)


def _written(outcome: Outcome) -> int:
    """Writes what there is to write, and returns the exit code."""
    if outcome.error:
        print(printable_lines(outcome.error), file=sys.stderr)  # noqa: T201 - a terminal program
    try:
        if outcome.output:
            print(outcome.output, flush=True)  # noqa: T201
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else its rest is written again at the end
        if not isinstance(error, BrokenPipeError):  # a reader that has seen enough, such as `head`
            print(error.strerror, file=sys.stderr)  # noqa: T201
            return FAILED
    return outcome.code


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"0 < SECONDS <= {_MOST_SECONDS}: {text}")
    return seconds


def _parser(texts: Texts) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mcp", description=texts("about"))
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help=texts("list"))
    call = commands.add_parser("call", help=texts("call"))
    call.add_argument("tool", help=texts("tool"))
    call.add_argument("arguments", nargs="*", help=texts("arguments"))
    check = commands.add_parser("check", help=texts("check"))
    check.add_argument("file", type=Path, help=texts("file"))
    for command in (listing, call):
        server = command.add_mutually_exclusive_group()
        server.add_argument("--url", help=texts("url"))
        server.add_argument("--stdio", metavar="COMMAND", help=texts("stdio"))
        command.add_argument(
            "--header", action="append", default=[], type=_header, metavar="NAME=VALUE", help=texts("header")
        )
    for command in (listing, call, check):
        command.add_argument("--timeout", type=_seconds, default=30.0, metavar="SECONDS", help=texts("timeout"))
        command.add_argument("--json", action="store_true", help=texts("json"))
    return parser


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"NAME=VALUE: {text}")
    return name.strip(), value.strip()


async def _run(asked: argparse.Namespace, environ: Mapping[str, str], texts: Texts) -> Outcome:
    if asked.command == "check":
        return _shown_check(await checked(asked.file, environ, asked.timeout), asked.json, texts)
    spec = target_of(asked.url, asked.stdio, asked.header, environ, asked.timeout)

    async def work(client: Client) -> Outcome:
        tools = await _listed(client)
        if asked.command == "list":
            return _shown_list(tools, asked.json, texts)
        return await _called(client, tools, asked, texts)

    return await with_client(spec, environ, texts, work)


async def _listed(client: Client) -> list[types.Tool]:
    tools: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


async def _called(client: Client, tools: list[types.Tool], asked: argparse.Namespace, texts: Texts) -> Outcome:
    by_name = {tool.name: tool for tool in tools}
    tool = by_name.get(asked.tool)
    if tool is None:
        near = get_close_matches(asked.tool, by_name, n=3)
        hint = texts("near", near=", ".join(near)) if near else ""
        return Outcome(WRONG, error=texts("no_tool", tool=asked.tool) + hint)
    try:
        arguments = arguments_of(asked.arguments, tool.input_schema, texts)
        result = await client.call_tool(tool.name, arguments)
    except WrongArgument as wrong:
        return Outcome(WRONG, error=str(wrong))
    except MCPError as error:
        return Outcome(WRONG, error=error.message)
    code = FAILED if result.is_error else OK
    if asked.json:
        return Outcome(code, _json(result.model_dump(mode="json", by_alias=True, exclude_none=True)))
    text = "\n".join(map(_block, result.content)) or _json(result.structured_content)
    return Outcome(code, error=text) if result.is_error else Outcome(code, printable_lines(text))


def _block(block: types.ContentBlock) -> str:
    if isinstance(block, types.TextContent):
        return block.text
    return _json(block.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"data", "blob"}))


def _shown_list(tools: list[types.Tool], as_json: bool, texts: Texts) -> Outcome:
    if as_json:
        return Outcome(OK, _json([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]))
    if not tools:
        return Outcome(OK, texts("no_tools"))
    rows = [(tool.name, texts(_risk(tool)), _first_sentence(tool.description or "")) for tool in tools]
    return Outcome(OK, _table((texts("name"), texts("marks"), texts("description")), rows))


def _risk(tool: types.Tool) -> str:
    hints = tool.annotations
    if hints is not None and hints.read_only_hint:
        return "reads"
    return "destroys" if hints is not None and hints.destructive_hint else "writes"


def _first_sentence(text: str) -> str:
    one_line = " ".join(text.split())
    end = one_line.find(". ")
    return one_line if end < 0 else one_line[: end + 1]


def _shown_check(servers: list[Checked], as_json: bool, texts: Texts) -> Outcome:
    code = FAILED if any(server.is_wrong for server in servers) else OK
    if as_json:
        entries = {each.name: {**each.health, "seconds": each.seconds} for each in servers}
        return Outcome(code, _json({"servers": entries}))
    if not servers:
        return Outcome(OK, texts("no_servers"))
    head = tuple(map(texts, ("server", "state", "tools", "time", "notes")))
    return Outcome(code, _table(head, [_row(server, texts) for server in servers]))


def _row(server: Checked, texts: Texts) -> tuple[str, ...]:
    health = server.health
    status = health["status"] if health["status"] in ("connected", "disabled") else "failed"
    seconds = "" if server.seconds is None else f"{server.seconds:.1f} s"
    notes = [*filter(None, [health.get("error")]), *health.get("problems", ())]
    return server.name, texts(status), str(health["tools"] or ""), seconds, "; ".join(notes)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """On a terminal as wide as it is, with a head in bold; elsewhere a line for each row, for other programs."""
    if not sys.stdout.isatty():
        return table(head, rows, None)
    color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return table(head, rows, shutil.get_terminal_size().columns, color=color)


def printable_lines(text: str) -> str:
    """Returns a server's text without what would move the terminal's cursor or change its colors."""
    shown = (char if char in "\n\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return "".join(shown)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
