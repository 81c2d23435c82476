from __future__ import annotations

import httpx
import pytest
from service_kit.settings import ServiceSettings, SettingsError, load
from service_kit.suite_links import suite_links
from service_kit.testing import running

from tests.service_kit.harness import small_service

URLS = 'chat=http://127.0.0.1:8002, gateway=https://llm.example.com/?a=1&b="2"'


def test_a_page_links_to_the_others_and_names_itself():
    urls = load(ServiceSettings, {"SUITE_URLS": URLS}).suite_urls
    assert suite_links(urls, "chat", "es") == (
        '<nav class="suite" aria-label="Servicios"><b aria-current="page">Chat</b> '
        '<a href="https://llm.example.com/?a=1&amp;b=&quot;2&quot;">Pasarela LLM</a></nav>'
    )
    assert "LLM gateway" in suite_links(urls, None, "en")


def test_alone_it_has_no_links():
    assert suite_links({}, "chat", "en") == ""
    assert suite_links({"chat": "http://a"}, "chat", "en") == ""


@pytest.mark.parametrize(
    "urls", ["chat", "chat=", "chat=javascript:alert(1)", "chat=//a", "shop=http://a", "=http://a"]
)
def test_what_is_no_address_of_a_page_is_refused(urls: str):
    with pytest.raises(SettingsError, match="SUITE_URLS"):
        load(ServiceSettings, {"SUITE_URLS": urls})


async def test_the_documentation_has_them_in_the_readers_language():
    async with running(small_service({"SUITE_URLS": URLS})) as url, httpx.AsyncClient(base_url=url) as http:
        spanish = await http.get("/docs")
        english = await http.get("/docs", headers={"accept-language": "en"})
    assert "Pasarela LLM</a>" in spanish.text and "LLM gateway</a>" in english.text
    assert spanish.headers["content-security-policy"] == english.headers["content-security-policy"]
