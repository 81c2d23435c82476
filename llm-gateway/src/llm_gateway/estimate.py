"""Token counts where a provider tells none: about four characters a token, and marked as estimated."""

from __future__ import annotations

from llm_gateway.types import EmbeddingRequest, Request, Text, ToolCall, Usage

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4


def estimated_usage(request: Request, completion_characters: int) -> Usage:
    """A guess for `request` and an answer of so many characters."""
    characters = 0
    for message in request.messages:
        for part in message.content:
            if isinstance(part, Text):
                characters += len(part.text)
            elif isinstance(part, ToolCall):
                characters += len(part.name) + len(part.arguments)
    prompt = -(-characters // _CHARACTERS_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(request.messages)
    return Usage(
        prompt_tokens=prompt, completion_tokens=-(-completion_characters // _CHARACTERS_PER_TOKEN), estimated=True
    )


def estimated_embedding_usage(request: EmbeddingRequest) -> Usage:
    """A guess for texts; token ids are counted."""
    tokens = sum(
        -(-len(item) // _CHARACTERS_PER_TOKEN) if isinstance(item, str) else len(item) for item in request.inputs
    )
    return Usage(prompt_tokens=tokens, estimated=True)
