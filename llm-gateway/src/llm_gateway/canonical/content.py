"""What a message or an answer is made of: text, images, reasoning, refusals and tool calls."""

from __future__ import annotations

from typing import Literal

from llm_gateway.canonical.value import Value

CacheMark = Literal["5m", "1h"]
"""How long a provider is asked to keep a prefix of the prompt."""


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
    """What a model thought; `signature` is opaque and means something only to `provider`.

    `redacted` says that the thought itself is encrypted: `signature` is all there is of it. A signature that a
    provider puts on a tool call (Gemini's thought signatures) is a block of its own, without text, before that call.
    """

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


class Refusal(Value, tag="refusal", frozen=True):
    """A model's refusal, kept apart from its text as OpenAI does."""

    text: str


class ToolCall(Value, tag="tool_call", frozen=True):
    """A call that the model asks for; `arguments` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None


Part = Text | Image | Reasoning | Refusal | ToolCall
