"""`make up`: the whole suite on this machine, in the foreground, without Docker and without a key.

Starts the four services on loopback, waits until they are ready, asks one question as proof, prints where
everything is, and stops everything on Ctrl-C or SIGTERM. A question that fails stops nothing: it says what to mend.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper

from first_question import QUESTION, NotAnswered, ask, failure
from service_kit.auth.keys import key_and_roles
from service_kit.settings import ServiceSettings, load
from service_kit.undumpable import close_to_other_processes
from suite_plan import CannotStart, Service, check_ports, environment, plan
from suite_processes import Suite, say


def welcome(services: Sequence[Service], first: str, seconds: float) -> str:
    """What a person sees when everything runs; `first` tells of the first question."""
    url = {service.name: service.url for service in services}
    return f"""
The suite is up ({seconds:.1f} s). {first}

  Chat page     {url["agent-websocket"]}/
  HTTP agent    {url["agent-http"]}/docs
  LLM gateway   {url["llm-gateway"]}/docs
  MCP toolbox   {url["mcp-toolbox"]}/mcp   (REST: {url["mcp-toolbox"]}/docs)

Try:
  curl -X POST {url["agent-http"]}/process -H 'Content-Type: application/json' -d '{{"input": "suma 10 y 5"}}'
  curl {url["llm-gateway"]}/mcp/llm/list
  make chat

Without a provider's key the embedded planner answers; it is not a language model, and says so.
Put a key into .env (see .env.example), or run `make local-model`. Ctrl-C stops everything.
"""


async def run(environ: Mapping[str, str]) -> int:
    """Run until a signal, or until a service ends by itself; the exit code."""
    started = time.monotonic()
    services = plan(environ)
    check_ports(services)
    suite = Suite(services, colored=sys.stdout.isatty())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sig, stop.set)
    stopping = asyncio.create_task(stop.wait())
    living = asyncio.create_task(_live(suite, services, environ, started))
    try:
        await asyncio.wait({stopping, living}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
            return 1
        say("\nStopping …")
        return 0
    finally:
        for task in (living, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError, CannotStart):
                await task
        await suite.stop()
        say("Stopped.")


def _accepted_key(environ: Mapping[str, str]) -> str | None:
    """A key that the services take, None where none is set."""
    settings = load(ServiceSettings, environ)
    if settings.api_keys:
        return key_and_roles(settings.api_keys[0].get_secret_value())[0]
    return settings.admin_api_key.get_secret_value() if settings.admin_api_key else None


async def _live(suite: Suite, services: Sequence[Service], environ: Mapping[str, str], started: float) -> None:
    """From the start until a service ends by itself."""
    await suite.start()
    await suite.wait_until_ready()
    key = _accepted_key(environ)
    agent = next(service for service in services if service.name == "agent-http")
    say(f"Everything is ready; asking a first question: {QUESTION}")
    try:
        first = "Its first answer:\n" + await asyncio.to_thread(ask, agent.url, key)
    except NotAnswered as error:
        first = failure(error, agent)
    say(welcome(services, first, time.monotonic() - started))
    ended = await suite.wait_for_the_first_to_end()
    raise CannotStart(f"{ended} ended by itself; its last lines are above")


def main() -> int:
    close_to_other_processes()  # it has every secret of the shell and of .env
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to end
    try:
        return asyncio.run(run(environment()))
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - a terminal program
        return 1


if __name__ == "__main__":
    sys.exit(main())
