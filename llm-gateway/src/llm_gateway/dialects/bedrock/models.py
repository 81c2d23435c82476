"""What each model family on Bedrock supports. They share one API, which answers 400 to anything else.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

ThinkingStyle = Literal["budget", "adaptive", "nova", "effort"]
"""How a family is told to think: by a budget in tokens (Claude), adaptively with an effort (newer Claudes), by Nova 2's
effort, or by a plain effort."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What the models of one family support.

    `choices` are the tool choices beside `auto`. `caching` says where cache points may stand, `hour` whether they may
    last an hour. `top_k` is the path of that parameter in the additional model fields. `result_status` says whether a
    tool result can have the status `error`.
    """

    system: bool = True
    tools: bool = True
    streamed_tools: bool = True
    images: bool = True
    choices: frozenset[str] = frozenset()
    result_status: bool = False
    caching: frozenset[str] = frozenset()
    hour: bool = False
    top_k: tuple[str, ...] = ()
    thinking: ThinkingStyle | None = None
    stop_sequence: bool = False


_ANY = frozenset({"required", "tool"})
_EVERYWHERE = frozenset({"system", "messages", "tools"})

_TITAN = Family(system=False, tools=False, images=False)
_LLAMA = Family(tools=False, images=False)
_LLAMA_TOOLS = Family(streamed_tools=False, images=False)
_MISTRAL_INSTRUCT = Family(system=False, tools=False, images=False, top_k=("top_k",))
_MISTRAL = Family(streamed_tools=False, images=False, choices=frozenset({"required"}), top_k=("top_k",))
_CLAUDE = Family(choices=_ANY, result_status=True, top_k=("top_k",), stop_sequence=True)
_IMPORTED = Family(top_k=("top_k",))
"""Weights that a customer brought (Llama, Qwen, …): only Claude and Nova can be forced to call a tool."""
_NOVA = Family(
    choices=_ANY, result_status=True, caching=frozenset({"system", "messages"}), top_k=("inferenceConfig", "topK")
)


def _claude(thinking: ThinkingStyle | None, *, hour: bool = False) -> Family:
    return msgspec.structs.replace(_CLAUDE, caching=_EVERYWHERE, hour=hour, thinking=thinking)


_KNOWN: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r":imported-model/", _IMPORTED),
        (r"amazon\.titan-text", _TITAN),
        (r"amazon\.nova-micro", msgspec.structs.replace(_NOVA, images=False)),
        (r"amazon\.nova-2", msgspec.structs.replace(_NOVA, thinking="nova")),
        (r"amazon\.nova", _NOVA),
        (r"anthropic\.claude-(v2|instant)", Family(tools=False, images=False, top_k=("top_k",))),
        (r"anthropic\.claude-3-5-haiku", _claude(None)),
        (r"anthropic\.claude-3-7", _claude("budget")),
        (r"anthropic\.claude-3", _CLAUDE),
        (r"anthropic\.claude-(opus|sonnet)-4-([6-9]|\d\d)(?!\d)", _claude("adaptive", hour=True)),
        (r"anthropic\.claude-(opus|sonnet|haiku)-4-5", _claude("budget", hour=True)),
        (r"anthropic\.claude-(opus|sonnet|haiku)-4", _claude("budget")),
        (r"anthropic\.claude", _claude("adaptive", hour=True)),
        (r"meta\.llama3-[1-9]-", _LLAMA_TOOLS),
        (r"meta\.llama[23]-", _LLAMA),
        (r"meta\.llama", msgspec.structs.replace(_LLAMA_TOOLS, images=True)),
        (r"mistral\.(mistral-7b|mixtral)", _MISTRAL_INSTRUCT),
        (r"mistral\.", _MISTRAL),
        (r"cohere\.command-r", Family(images=False, top_k=("k",))),
        (r"deepseek\.r1", Family(tools=False, images=False)),
        (r"deepseek\.", Family(images=False)),
        (r"openai\.gpt-oss", Family(images=False, thinking="effort")),
    )
)

_UNKNOWN = Family(choices=_ANY, result_status=True, top_k=("top_k",))
"""A model that is not in the table (imported, or an ARN) is assumed to support everything; Bedrock refuses the rest."""


@lru_cache(maxsize=1024)
def family_of(model_id: str) -> Family:
    """Returns the family of a Bedrock model id, inference profile or ARN."""
    return next((family for pattern, family in _KNOWN if pattern.search(model_id)), _UNKNOWN)
