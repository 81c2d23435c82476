"""Signatures of thoughts as opaque text that says whose they are.

Anthropic's Messages and OpenAI's Responses have one opaque field for a signature (or an encrypted thought) and none
for the provider that made it. A client sends it back as it got it, perhaps when another provider answers by then; so
the provider's name travels inside: `gw1.PROVIDER.SIGNATURE`, or `gw1x.PROVIDER.SIGNATURE` for a redacted thought.
A provider's name is a word without dots, and base64 has none either, so nothing of a real signature looks like that.
"""

from __future__ import annotations

_PLAIN, _REDACTED = "gw1", "gw1x"


def wrap(provider: str | None, signature: str, redacted: bool = False) -> str:
    """`signature` with the name of its `provider`; as it is where nobody knows whose it is."""
    if not provider:
        return signature
    return f"{_REDACTED if redacted else _PLAIN}.{provider}.{signature}"


def unwrap(text: str, default_provider: str) -> tuple[str, str]:
    """The provider and the signature in `text`; one that we did not wrap is `default_provider`'s own."""
    kind, first, rest = text.partition(".")
    provider, second, signature = rest.partition(".")
    if kind in (_PLAIN, _REDACTED) and first and second and provider:
        return provider, signature
    return default_provider, text


def is_redacted(text: str) -> bool:
    """Whether `text` was wrapped as all there is of a redacted thought."""
    return text.partition(".")[0] == _REDACTED
