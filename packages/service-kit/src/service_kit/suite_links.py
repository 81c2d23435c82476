"""Links between the pages of the four services."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Literal, get_args

from service_kit.language import Language

SuitePage = Literal["chat", "toolbox", "agent", "gateway"]

PLACE = "<!-- links to the other services -->"
"""The comment in a page that the links replace."""

_LABELS: Mapping[Language, Mapping[SuitePage, str]] = {
    "es": {"chat": "Chat", "toolbox": "Herramientas", "agent": "Agente HTTP", "gateway": "Pasarela LLM"},
    "en": {"chat": "Chat", "toolbox": "Tools", "agent": "HTTP agent", "gateway": "LLM gateway"},
}
_TITLES: Mapping[Language, str] = {"es": "Servicios", "en": "Services"}


def parse_suite_urls(value: Any) -> Any:
    """Returns the addresses of a list such as `chat=http://127.0.0.1:8002,gateway=…` by name; what is no text as it is.

    Raises:
        ValueError: an item names no page, or no address.
    """
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in value.split(","))):
        name, _, url = item.partition("=")
        if name.strip() not in get_args(SuitePage) or not url.strip().startswith(("http://", "https://")):
            names = ", ".join(get_args(SuitePage))
            raise ValueError(f"must be a list such as chat=https://…,gateway=https://…, with the names {names}")
        found[name.strip()] = url.strip()
    return found


def suite_links(urls: Mapping[SuitePage, str], here: SuitePage | None, language: Language) -> str:
    """Returns the navigation between the pages as HTML, or nothing if `urls` names no other page than `here`."""
    if not urls.keys() - {here}:
        return ""
    shown = [page for page in get_args(SuitePage) if page in urls or page == here]
    items = " ".join(_link(_LABELS[language][page], None if page == here else urls[page]) for page in shown)
    return f'<nav class="suite" aria-label="{_TITLES[language]}">{items}</nav>'


def _link(label: str, url: str | None) -> str:
    return f'<b aria-current="page">{label}</b>' if url is None else f'<a href="{escape(url)}">{label}</a>'
