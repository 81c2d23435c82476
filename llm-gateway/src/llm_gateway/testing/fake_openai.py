"""OpenAI's chat completions, which refuse what OpenAI would refuse."""

from __future__ import annotations

import msgspec

from .behaviours import Fails
from .exchange import Call
from .fake_provider import FakeProvider

PATH = "/v1/chat/completions"

_REQUIRED = {"model", "messages"}
_ALLOWED = _REQUIRED | {
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
    "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
}  # fmt: skip


class FakeOpenAI(FakeProvider):
    """Speaks `POST /v1/chat/completions`."""

    unscripted = Fails(500, "not_in_the_script")

    def refusal(self, call: Call) -> Fails | None:
        """What OpenAI itself would say to this request, if it would not take it."""
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        if self.keys and key not in self.keys:
            return Fails(401, "invalid_api_key", f"Incorrect API key provided: {key}.")
        if call.path != PATH:
            return Fails(404, None, f"Invalid URL ({call.path})")
        mistake = _mistake(call.raw)
        if mistake is None:
            return None
        self.mistake(mistake)
        return Fails(400, None, mistake)


def _mistake(raw: bytes) -> str | None:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        return f"We could not parse the JSON body of your request: {error}"
    missing, unknown = sorted(_REQUIRED - set(body)), sorted(set(body) - _ALLOWED)
    if missing:
        return f"you must provide a {missing[0]} parameter"
    if unknown:
        return f"Unrecognized request argument supplied: {', '.join(unknown)}"
    open_calls: set[str] = set()
    for number, message in enumerate(body["messages"]):
        if message.get("role") not in ("system", "developer", "user", "assistant", "tool"):
            return f"Invalid value: {message.get('role')!r} at messages[{number}].role"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return f"messages[{number}] with role 'tool' must answer a preceding 'tool_calls'"
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            return f"tool_calls without an answer: {', '.join(sorted(open_calls))}"
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
    return None
