"""The question that the suite is asked once it is ready, as proof that it answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from suite_plan import Service

FIRST_ANSWER_SECONDS = 60.0
QUESTION = "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas"


class NotAnswered(Exception):
    """The first question failed though the services run; `code` is that of the error envelope, or empty."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def ask(url: str, key: str | None) -> str:
    """The proof: one real question through agent, gateway and toolbox; says how it was answered.

    Raises:
        NotAnswered: there was no answer.
    """
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{url}/process", json.dumps({"input": QUESTION}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=FIRST_ANSWER_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise _refused(error.code, error.read()) from error
    except TimeoutError as error:
        raise NotAnswered(f"there was no answer within {FIRST_ANSWER_SECONDS:.0f} s", "upstream_timeout") from error
    except (OSError, ValueError) as error:  # the agent is not there, or what answers is no JSON
        raise NotAnswered(str(error)) from error
    tools = [tool for step in answer["steps"] if step["node"] == "tool_execution" for tool in step["tools"]]
    calls = "; ".join(f"{tool['name']}({_arguments(tool['args'])}) → {tool['result']}" for tool in tools)
    stand_in = f", in place of {answer['fallback_from']}" if answer.get("fallback_from") else ""
    lines = [f"  › {QUESTION}", f"  {calls}", f"  ‹ {answer['result']}"]
    return "\n".join([*lines, f"  ({answer['model']}{stand_in}, {answer['latency_ms']:.0f} ms)"])


def _refused(status: int, body: bytes) -> NotAnswered:
    """What the error envelope says, or the body where it is none."""
    try:
        error = json.loads(body)["error"]
        message, code = str(error["message"]).rstrip("."), str(error["code"])
    except (ValueError, KeyError, TypeError):
        return NotAnswered(f"{status} {body.decode('utf-8', 'replace')[:500]}")
    return NotAnswered(f"{message} ({status} {code})", code)


def _arguments(args: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())


_REMEDIES = {
    "upstream_credentials": "Correct that variable in .env or in your shell, and start again.",
    "upstream_unavailable": "See whether it is up and its address is right (its *_BASE_URL in .env), and ask again.",
    "upstream_timeout": "See whether it is up and its address is right (its *_BASE_URL in .env), and ask again.",
    "upstream_rate_limited": "Ask again in a while, or see to its quota.",
    "provider_not_configured": "Set that variable in .env or in your shell, and start again.",
    "model_not_found": "Correct DEFAULT_MODEL, MODEL_PROVIDER or MODEL_NAME, and start again.",
}


def failure(error: NotAnswered, agent: Service) -> str:
    """What went wrong with the first question, what to do, and how to go on meanwhile."""
    remedy = _REMEDIES.get(error.code, "The lines of the services above say more.")
    return f"""But the first question failed: {error}.
{remedy}
Everything runs, and the embedded planner still answers when it is asked by name:
  curl -X POST {agent.url}/process -H 'Content-Type: application/json' \\
    -d '{{"input": "suma 10 y 5", "model": "offline"}}'"""
