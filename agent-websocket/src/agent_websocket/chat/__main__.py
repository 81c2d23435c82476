"""`python -m agent_websocket.chat [--url ws://127.0.0.1:8002/ws]` chats with the agent."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from service_kit.language import choose
from service_kit.secret_files import SecretFileError, with_secret_files

from agent_websocket.chat.client import Chat, ConnectionRefused
from agent_websocket.chat.lines import lines
from agent_websocket.chat.screen import Screen
from agent_websocket.chat.texts import texts

DEFAULT_URL = "ws://127.0.0.1:8002/ws"


async def chat(url: str, key: str | None, language: str) -> int:
    """Chat on the standard streams; the exit code: 0 when the user left, 1 when the service refused."""
    said = texts(language)
    typing = sys.stdin.isatty()
    screen = Screen(sys.stdout, said, prompts=typing)
    talk = Chat(url, screen, said, key=key, language=language, wait_for_answers=not typing)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, talk.interrupt)
    try:
        await talk.run(lines(sys.stdin.fileno()))
    except ConnectionRefused as refusal:
        screen.alarm(f"{said.refused}: {refusal}")
        return 1
    screen.note(said.bye)
    return 0


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Read the command line; a key comes as AGENT_API_KEY or in the file AGENT_API_KEY_FILE, since others can read a
    command line."""
    # LANG is like en_GB.UTF-8; a language that is neither of ours leaves the suite's default.
    from_locale = choose(environ.get("LANG", "").replace("_", "-").partition(".")[0], "es")
    parser = argparse.ArgumentParser(prog="agent_websocket.chat", description="Chat with the agent.")
    parser.add_argument("--url", default=DEFAULT_URL, help=f"the agent's WebSocket (default: {DEFAULT_URL})")
    parser.add_argument("--language", choices=("es", "en"), default=environ.get("UI_LANGUAGE") or from_locale)
    options = parser.parse_args(arguments)
    try:
        environ = with_secret_files(environ, {"AGENT_API_KEY"})
    except SecretFileError as error:
        parser.error(str(error))
    return asyncio.run(chat(options.url, environ.get("AGENT_API_KEY") or None, options.language))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
