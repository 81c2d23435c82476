"""Puts the provider's name into the signature of a thought.

Anthropic's Messages and OpenAI's Responses have one opaque field for a signature (or an encrypted thought) and none for
the provider that made it. The client sends it back, perhaps in a request that goes to another provider. So the
provider's name is put inside: `gw1.PROVIDER.SIGNATURE`, or `gw1x.PROVIDER.SIGNATURE` for a redacted thought. Neither
provider names nor base64 contain dots, so a real signature never looks like that.
"""

from __future__ import annotations

_PLAIN, _REDACTED = "gw1", "gw1x"


def wrap(provider: str | None, signature: str, redacted: bool = False) -> str:
    """Returns `signature` with the name of its `provider`, or unchanged if the provider is unknown."""
    if not provider:
        return signature
    return f"{_REDACTED if redacted else _PLAIN}.{provider}.{signature}"


def unwrap(text: str, default_provider: str) -> tuple[str, str]:
    """Returns the provider and the signature in `text`; the provider of one that is not wrapped is
    `default_provider`."""
    kind, first, rest = text.partition(".")
    provider, second, signature = rest.partition(".")
    if kind in (_PLAIN, _REDACTED) and first and second and provider:
        return provider, signature
    return default_provider, text


def is_redacted(text: str) -> bool:
    """Whether `text` is the wrapped signature of a redacted thought."""
    return text.partition(".")[0] == _REDACTED
