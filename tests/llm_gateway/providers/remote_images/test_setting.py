"""IMAGE_FETCH through the whole gateway, which asks no provider here: an older Gemini model takes only the bytes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.llm_gateway.harness import error_of, gateway

ENVIRON = {"GOOGLE_API_KEY": "k", "GOOGLE_BASE_URL": "http://127.0.0.1:9"}
OLD = "google/gemini-2.0-flash-001"


def about(url: str) -> list[dict[str, Any]]:
    image = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": "Hola"}, {"role": "user", "content": [{"type": "text", "text": "?"}, image]}]


@pytest.mark.parametrize("setting", [{}, {"IMAGE_FETCH": "never"}, {"IMAGE_FETCH": ""}])
async def test_by_default_nothing_is_fetched(setting: dict[str, str]):
    async with gateway(**ENVIRON, **setting) as stage:
        refused = await stage.chat(model=OLD, messages=about("https://127.0.0.1/a.png"))
    assert (refused.status_code, error_of(refused)["code"]) == (400, "image_url_unsupported")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/a.png", "it could not be reached"),
        ("https://[::ffff:169.254.169.254]/latest/meta-data", "it could not be reached"),
        ("http://127.0.0.1/a.png", "only https addresses"),
        ("https://u:p@127.0.0.1/a.png", "only https addresses"),
        ("https://127.0.0.1:8003/metrics", "only https addresses"),
    ],
)
async def test_when_it_is_on_our_own_network_is_out_of_reach(stream: bool, url: str, reason: str):
    async with gateway(**ENVIRON, IMAGE_FETCH="https") as stage:
        refused = await stage.chat(model=OLD, messages=about(url), stream=stream)
    error = error_of(refused)
    assert (refused.status_code, error["code"], error["param"]) == (400, "image_fetch_failed", "messages[1]")
    assert reason in error["message"] and "127.0.0.1" not in error["message"]
