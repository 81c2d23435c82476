"""The parts of a message or an answer: text, images, reasoning, refusals and tool calls."""

from __future__ import annotations

from typing import Literal

from llm_gateway.canonical.value import Value

CacheMark = Literal["5m", "1h"]
"""How long a provider is asked to cache a prefix of the prompt."""


class Text(Value, tag="text", frozen=True):
    """Text. `cache`, here as elsewhere, marks the end of a prefix that the provider may cache."""

    text: str
    cache: CacheMark | None = None


class Image(Value, tag="image", frozen=True):
    """An image: either `url`, or base64 `data` with its `media_type` (for example `image/png`)."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: Literal["auto", "low", "high"] | None = None
    cache: CacheMark | None = None


class Reasoning(Value, tag="reasoning", frozen=True):
    """A model's thought. `signature` is opaque to all but `provider`.

    `redacted` says that the thought is encrypted: `signature` holds it, and there is no text. A signature on a tool
    call (Gemini's thought signatures) is a separate part without text before that call.
    """

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


class Refusal(Value, tag="refusal", frozen=True):
    """A model's refusal, separate from its text as in OpenAI's API."""

    text: str


class ToolCall(Value, tag="tool_call", frozen=True):
    """A tool call that the model makes; `arguments` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None


Part = Text | Image | Reasoning | Refusal | ToolCall
