"""The offline model: answers in Spanish or English by calling the tools that a request offers.

It is a planner, not a language model: it matches the words of the question with the names, descriptions and
schemas of the tools, calls them, and words their results. It needs no key, no download and no network, and it
invents nothing. `plan` gives the answer to a `Request`, and `pieces` cuts its texts for a stream.
"""

from .conversation import (
    Answer,
    Image,
    Message,
    Part,
    Refusal,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from .planner import MODEL, plan
from .tokens import pieces

__all__ = [
    "MODEL",
    "Answer",
    "Image",
    "Message",
    "Part",
    "Refusal",
    "Request",
    "ResponseFormat",
    "Text",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "pieces",
    "plan",
]
