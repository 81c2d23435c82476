"""The offline model: answers in Spanish or English by calling the tools that a request offers.

It is a planner, not a language model: it matches the words of the question with the names, descriptions and
schemas of the tools, calls them, and words their results. It needs no key, no download and no network, and it
invents nothing. `plan` gives a whole answer, `stream` the same as events.
"""

from .planner import MODEL, plan
from .streaming import stream

__all__ = ["MODEL", "plan", "stream"]
