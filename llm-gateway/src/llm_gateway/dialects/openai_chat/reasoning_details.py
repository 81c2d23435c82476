"""`reasoning_details`: thoughts with their signatures in OpenRouter's form, for providers and for clients.

OpenRouter gets back everything that it sent: a detail without its text is kept, unread, as the thought's signature. For
clients, the `format` of a detail names the signature's provider; where no format does, the name is put inside the
signature.

Source: https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from llm_gateway.canonical import Part, Reasoning, ToolCall
from llm_gateway.dialects.common.signatures import unwrap, wrap

_FORMATS = {"anthropic": "anthropic-claude-v1", "google": "google-gemini-v1", "openai": "openai-responses-v1"}
_PROVIDERS = {format_: provider for provider, format_ in _FORMATS.items()}
_NOBODY = "unknown"
_TEXT, _SUMMARY, _ENCRYPTED = "reasoning.text", "reasoning.summary", "reasoning.encrypted"

_encode = msgspec.json.Encoder().encode


class Detail(msgspec.Struct, omit_defaults=True):
    """One thought, or a piece of one in a stream."""

    type: str = _TEXT
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None

    @property
    def said(self) -> str:
        return self.text or self.summary or ""

    @property
    def encrypted(self) -> bool:
        return self.type == _ENCRYPTED


_WORDS_ALONE = Detail()
_decoder = msgspec.json.Decoder(Detail)


# --- from and to OpenRouter ------------------------------------------------------------------------------


def sealed(detail: Detail) -> str | None:
    """Returns a detail without its text and index, as JSON; None if nothing is left."""
    rest = msgspec.structs.replace(detail, text=None, summary=None, index=None)
    return None if rest == _WORDS_ALONE else _encode(rest).decode()


def continued(detail: Detail, piece: Detail) -> Detail:
    """Returns a streamed detail with the fields, other than text, of its next piece."""
    news = {
        name: value for name in ("data", "signature", "id", "format") if (value := getattr(piece, name)) is not None
    }
    return msgspec.structs.replace(detail, **news) if news else detail


def thoughts(details: Iterable[Detail], provider: str | None) -> list[Reasoning]:
    """Returns the thoughts in the details of a whole answer."""
    found: list[Reasoning] = []
    for detail in details:
        seal = sealed(detail)
        if seal is not None:
            found.append(Reasoning(text=detail.said, signature=seal, provider=provider, redacted=detail.encrypted))
        elif detail.said:
            found.append(Reasoning(text=detail.said))
    return found


def sent_back(content: Iterable[Part], provider: str) -> list[Detail]:
    """Returns the thoughts in `content` that came from `provider`, as it sent them."""
    details: list[Detail] = []
    for part in content:
        if isinstance(part, Reasoning) and part.signature and part.provider == provider:
            try:
                detail = _decoder.decode(part.signature)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # made up by a client
            field = "summary" if detail.type == _SUMMARY else "text"
            said = {} if detail.encrypted else {field: part.text}
            details.append(msgspec.structs.replace(detail, index=len(details), **said))
    return details


# --- from and to clients ---------------------------------------------------------------------------------


def rendered(content: tuple[Part, ...]) -> list[dict[str, Any]]:
    """Returns the details for the thoughts of an answer."""
    details: list[dict[str, Any]] = []
    for place, part in enumerate(content):
        if isinstance(part, Reasoning):
            following = content[place + 1] if place + 1 < len(content) else None
            call = following.id if isinstance(following, ToolCall) else None
            details.append(detail_of(part, len(details), call))
    return details


def detail_of(thought: Reasoning, index: int, call_id: str | None) -> dict[str, Any]:
    """Returns the detail for one thought. A signature without text belongs to the tool call `call_id`, if one
    follows."""
    signature, provider = thought.signature, thought.provider
    if signature is None:
        return {"type": _TEXT, "text": thought.text, "index": index}
    known = _FORMATS.get(provider or "")
    opaque = signature if known else wrap(provider, signature, thought.redacted)
    place = {"format": known or _NOBODY, "index": index}
    if thought.redacted:
        return {"type": _ENCRYPTED, "data": opaque, **place}
    if call_id is not None and not thought.text:
        return {"type": _ENCRYPTED, "data": opaque, "id": call_id, **place}
    return {"type": _TEXT, "text": thought.text, "signature": opaque, **place}


def parsed(details: list[Detail], said: str | None, calls: tuple[ToolCall, ...]) -> tuple[list[Part], list[Part]]:
    """Returns the thoughts, and the calls with their signatures, that a client has sent back.

    `said` is the text of unsigned thoughts; it is used only if `details` have no text.
    """
    thoughts: list[Part] = []
    of_calls: dict[str, Reasoning] = {}
    ids = {call.id for call in calls}
    if said and not any(detail.said for detail in details):
        thoughts.append(Reasoning(text=said))
    for detail in details:
        opaque = detail.signature or detail.data
        if opaque is None:
            thoughts += [Reasoning(text=detail.said)] if detail.said else []
            continue
        named, signature = unwrap(opaque, _PROVIDERS.get(detail.format or "", _NOBODY))
        provider = None if named == _NOBODY else named
        if detail.encrypted and detail.id in ids:
            of_calls[detail.id or ""] = Reasoning(signature=signature, provider=provider)
        else:
            thoughts.append(
                Reasoning(text=detail.said, signature=signature, provider=provider, redacted=detail.encrypted)
            )
    return thoughts, [part for call in calls for part in (of_calls.get(call.id), call) if part is not None]
