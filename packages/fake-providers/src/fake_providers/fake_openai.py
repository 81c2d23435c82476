"""A server of chat completions and embeddings that refuses what OpenAI would refuse."""

from __future__ import annotations

import msgspec

from .behaviors import Fails
from .embeds import embeddings_mistake
from .exchange import Call
from .fake_provider import FakeProvider

_REQUIRED = {"model", "messages"}
_ALLOWED = _REQUIRED | {
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
    "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
}  # fmt: skip


class FakeOpenAI(FakeProvider):
    """Speaks `POST /v1/chat/completions` and `POST /v1/embeddings`.

    Look-alikes override what differs: `also` are the fields that they take beyond OpenAI's.
    """

    unscripted = Fails(500, "not_in_the_script")
    also: frozenset[str] = frozenset()

    def key_of(self, call: Call) -> str:
        """Returns the API key of a call."""
        return call.headers.get("authorization", "").removeprefix("Bearer ")

    def path_of(self, call: Call) -> str:
        """Returns the path of a call in OpenAI's form."""
        return call.path

    def refusal(self, call: Call) -> Fails | None:
        """Returns OpenAI's error for a request that it would refuse, or None."""
        key = self.key_of(call)
        if self.keys and key not in self.keys:
            return Fails(401, "invalid_api_key", f"Incorrect API key provided: {key}.")
        match self.path_of(call):
            case "/v1/chat/completions":
                mistake = chat_mistake(call.raw, self.also)
            case "/v1/embeddings":
                mistake = embeddings_mistake(call.raw)
            case _:
                return Fails(404, None, f"Invalid URL ({call.path})")
        if mistake is None:
            return None
        self.mistake(mistake)
        return Fails(400, None, mistake)


def chat_mistake(raw: bytes, also: frozenset[str] = frozenset()) -> str | None:
    """Returns OpenAI's message for the first mistake in the body of a chat completion, or None."""
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        return f"We could not parse the JSON body of your request: {error}"
    missing, unknown = sorted(_REQUIRED - set(body)), sorted(set(body) - _ALLOWED - also)
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
