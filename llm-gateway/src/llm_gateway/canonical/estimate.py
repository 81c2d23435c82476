"""Estimates usage that a provider does not report: about four characters for each token."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import EmbeddingRequest, Request, Text, ToolCall, Usage

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4


def estimated_usage(request: Request, completion_characters: int) -> Usage:
    """Returns estimated usage for `request` and an answer of this many characters."""
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


def as_far_as(reported: Usage | None, request: Request, completion_characters: int) -> Usage:
    """Returns the usage of a stream that was cut off: what was reported, and an estimate of the rest.

    A report at the start of a stream, which counts only the prompt, is marked as an estimate.
    """
    if reported is not None and not reported.estimated:
        return reported
    guess = estimated_usage(request, completion_characters)
    if reported is None:
        return guess
    more = max(reported.completion_tokens, guess.completion_tokens)
    return msgspec.structs.replace(reported, completion_tokens=more)


def estimated_embedding_usage(request: EmbeddingRequest) -> Usage:
    """Returns estimated usage for texts; token ids are counted exactly."""
    tokens = sum(
        -(-len(item) // _CHARACTERS_PER_TOKEN) if isinstance(item, str) else len(item) for item in request.inputs
    )
    return Usage(prompt_tokens=tokens, estimated=True)
