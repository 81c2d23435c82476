"""What an entry can be found by besides its key, from the request that it answers."""

from __future__ import annotations

import hashlib

from llm_gateway.cache.kept import Labels
from llm_gateway.canonical import EmbeddingRequest, Request, Text
from llm_gateway.catalog.models import Model


def labels_of(request: Request | EmbeddingRequest, model: Model) -> Labels:
    """Returns the labels of the entry that answers `request`."""
    return Labels(model.name, prompt_tag(_question(request)))


def prompt_tag(question: str) -> bytes:
    """Returns the 8 bytes by which the entries of a question are found. White space around it does not count."""
    return hashlib.blake2b(question.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _question(request: Request | EmbeddingRequest) -> str:
    """Returns the text of the newest message of the user, or of the only text to embed."""
    if isinstance(request, EmbeddingRequest):
        first = request.inputs[0] if len(request.inputs) == 1 else ""
        return first if isinstance(first, str) else ""
    for message in reversed(request.messages):
        if message.role == "user":
            return "".join(part.text for part in message.content if isinstance(part, Text))
    return ""
