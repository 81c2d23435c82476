"""A model's Markdown as HTML that is safe to put into a page."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "th": {"style"}, "td": {"style"},
}  # fmt: skip


class Renderer:
    """Markdown (CommonMark, tables, strikethrough) to sanitized HTML; no images, so that nothing is fetched."""

    def __init__(self) -> None:
        # No raw HTML: the model's text is data. No linkify: only what was written as a link becomes one.
        self._markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
        self._markdown.disable("image")
        self._cleaner = nh3.Cleaner(
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
            filter_style_properties={"text-align"},
        )

    def html(self, text: str) -> str:
        """Returns Markdown `text` as sanitized HTML."""
        return self._cleaner.clean(self._markdown.render(text)).strip()
