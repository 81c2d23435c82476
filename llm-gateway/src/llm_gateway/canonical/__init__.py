"""The canonical types, which all dialects are translated from and to.

A client's request becomes a `Request`. A provider's answer becomes a `Result`, or a stream of `Event`s whose aggregate
is that result. Nothing here depends on a dialect, a provider, a clock or a socket.
"""

from llm_gateway.canonical.content import CacheMark, Image, Part, Reasoning, Refusal, Text, ToolCall
from llm_gateway.canonical.embeddings import EmbeddingRequest, EmbeddingResult
from llm_gateway.canonical.events import (
    BlockKind,
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Logprobs,
    Signature,
    UsageReport,
)
from llm_gateway.canonical.request import Message, Request, ResponseFormat, Role, Tool, ToolChoice
from llm_gateway.canonical.result import Choice, FinishReason, Result
from llm_gateway.canonical.usage import Usage

__all__ = [
    "BlockKind",
    "BlockStart",
    "BlockStop",
    "CacheMark",
    "Choice",
    "Delta",
    "EmbeddingRequest",
    "EmbeddingResult",
    "Event",
    "Finish",
    "FinishReason",
    "Image",
    "Logprobs",
    "Message",
    "Part",
    "Reasoning",
    "Refusal",
    "Request",
    "ResponseFormat",
    "Result",
    "Role",
    "Signature",
    "Text",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "Usage",
    "UsageReport",
]
