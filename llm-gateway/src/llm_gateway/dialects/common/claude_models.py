"""What each Claude model supports, by the version in its id; the API has no way to ask.

Sources: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking,
https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide,
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_VERSION = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_CURRENT = (99, 0)
"""The version assumed for a Claude whose id names none."""

_ADAPTIVE_SINCE = (4, 6)
_FIXED_SAMPLING_SINCE = (4, 7)
_SYSTEM_TURNS_SINCE = (4, 8)
_WITHOUT_SYSTEM_TURNS = ("sonnet", (5, 0))
_ONE_SAMPLER_SINCE = (4, 1)
_SCHEMAS_SINCE = (4, 5)
_THINKS_SINCE = (5, 0)
_UNTHINKING_BETWEEN_TOOLS_SINCE = {"sonnet": (5, 5)}
_NO_FORCED_TOOLS_SINCE = {"opus": (5, 5), "sonnet": (5, 5), "": (5, 5)}
_ALWAYS_THINKS_SINCE = {"opus": (5, 5), "fable": (0, 0), "mythos": (0, 0)}


class Generation(msgspec.Struct, frozen=True):
    """What one generation supports. `version` is (major, minor), or None for a model that is not a Claude, whose server
    is assumed to support the API's first form. `family` is `opus`, `sonnet` and so on."""

    version: tuple[int, int] | None
    family: str = ""

    def _since(self, version: tuple[int, int]) -> bool:
        return self.version is not None and self.version >= version

    @property
    def adaptive_thinking(self) -> bool:
        """Whether it takes an effort (4.6 and later) and not a thinking budget."""
        return self._since(_ADAPTIVE_SINCE)

    @property
    def thinks_unasked(self) -> bool:
        """Whether it thinks by default."""
        return self._since(_THINKS_SINCE)

    @property
    def always_thinks(self) -> bool:
        """Whether thinking cannot be turned off."""
        since = _ALWAYS_THINKS_SINCE.get(self.family)
        return since is not None and self._since(since)

    @property
    def unthinking(self) -> str:
        """The `thinking.type` for no thinking, or for the least possible."""
        since = _UNTHINKING_BETWEEN_TOOLS_SINCE.get(self.family)
        return "between_tools" if since is not None and self._since(since) else "disabled"

    @property
    def forced_tools(self) -> bool:
        """Whether it may be forced to use a tool while thinking is off."""
        since = _NO_FORCED_TOOLS_SINCE.get(self.family)
        return since is None or not self._since(since)

    @property
    def schemas(self) -> bool:
        """Whether it supports JSON schemas for its answers."""
        return self._since(_SCHEMAS_SINCE)

    @property
    def sampling(self) -> bool:
        """Whether it takes `temperature`, `top_p` and `top_k`; from 4.7 on they are refused."""
        return not self._since(_FIXED_SAMPLING_SINCE)

    @property
    def one_sampler(self) -> bool:
        """Whether it takes `temperature` or `top_p` but not both."""
        return self._since(_ONE_SAMPLER_SINCE)

    @property
    def system_turns(self) -> bool:
        """Whether a system message may stand in the middle of a conversation."""
        return self._since(_SYSTEM_TURNS_SINCE) and (self.family, self.version) != _WITHOUT_SYSTEM_TURNS


@lru_cache(maxsize=1024)
def generation_of(model_id: str) -> Generation:
    """Returns the generation of `claude-3-7-sonnet-…`, `claude-opus-4-5`, `us.anthropic.claude-haiku-4-5-…-v1:0` and so
    on."""
    name = model_id.lower()
    found = _VERSION.search(name)
    if found:
        return Generation((int(found[2]), int(found[3] or 0)), found[1] or "")
    return Generation(_CURRENT if "claude" in name else None)
