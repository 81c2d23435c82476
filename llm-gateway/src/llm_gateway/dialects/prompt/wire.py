"""The JSON of the prompt API's requests, as structs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

LARGEST_BATCH = 1000
"""The most items of one batch."""


class PromptRequest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /api/v1/generate`; an unknown field is an error that names it. `system` and `systemPrompt` are
    the same."""

    prompt: str
    model: str = ""
    provider: str | None = None
    system: str | None = None
    system_prompt: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/v1/generate/batch`."""

    requests: Annotated[list[PromptRequest], Meta(min_length=1, max_length=LARGEST_BATCH)]


class RawBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A batch whose items are read one by one, so that one which means nothing does not spoil the others."""

    requests: list[msgspec.Raw]
