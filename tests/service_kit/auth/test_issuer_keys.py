"""Fetching an issuer's keys: from which addresses, at what times, and with invalid answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from service_kit.auth.addresses import is_secure, metadata_urls
from service_kit.auth.issuer_keys import IssuerKeys
from service_kit.auth.testing import FakeIssuer
from service_kit.background import BackgroundLoops
from service_kit.testing import running

from tests.waiting import eventually


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    fake = FakeIssuer()
    async with running(fake.app) as url:
        fake.url = url
        yield fake


def test_where_metadata_is():
    assert metadata_urls("https://x.example") == (
        "https://x.example/.well-known/oauth-authorization-server",
        "https://x.example/.well-known/openid-configuration",
    )
    assert metadata_urls("https://x.example/realms/one") == (
        "https://x.example/.well-known/oauth-authorization-server/realms/one",
        "https://x.example/.well-known/openid-configuration/realms/one",
        "https://x.example/realms/one/.well-known/openid-configuration",
    )


@pytest.mark.parametrize(
    ("url", "secure"),
    [("https://x", True), ("http://127.0.0.1:1", True), ("http://localhost", True), ("http://[::1]:2", True),
     ("http://x", False), ("http://127.0.0.1.evil.example", False), ("file:///etc/passwd", False), ("", False)],
)  # fmt: skip
def test_which_addresses_are_secure(url: str, secure: bool):
    assert is_secure(url) is secure


async def test_keys_are_found_through_the_metadata(issuer: FakeIssuer):
    keys = IssuerKeys(issuer.url)
    assert keys.get(issuer.key_id) is None
    async with keys.running():
        await eventually(lambda: keys.get(issuer.key_id))
        assert keys.get(None) is keys.get(issuer.key_id)  # the only one
        assert keys.get("another") is None


async def test_openid_metadata_will_do(issuer: FakeIssuer):
    issuer.answers["/.well-known/oauth-authorization-server"] = (404, b"")
    document = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
    issuer.answers["/.well-known/openid-configuration"] = (200, json.dumps(document).encode())
    keys = IssuerKeys(issuer.url)
    async with keys.running():
        await eventually(lambda: keys.get(issuer.key_id))


async def test_their_address_may_be_given(issuer: FakeIssuer):
    keys = IssuerKeys("https://login.example.com", f"{issuer.url}/jwks")
    async with keys.running():
        await eventually(lambda: keys.get(issuer.key_id))
    assert issuer.asked == ["/jwks"]


async def test_an_unknown_key_is_fetched_when_it_is_wanted(issuer: FakeIssuer):
    keys = IssuerKeys(issuer.url, rest_seconds=0.2)
    async with keys.running():
        await eventually(lambda: keys.get(issuer.key_id))
        issuer.rotate()
        await eventually(keys.fetch_soon)
        await eventually(lambda: keys.get(issuer.key_id))
        assert not keys.fetch_soon()  # just done
    assert issuer.asked.count("/jwks") == 2


async def test_keys_are_refreshed_and_old_ones_dropped(issuer: FakeIssuer):
    keys, first = IssuerKeys(issuer.url, refresh_seconds=0.05), issuer.key_id
    async with keys.running():
        await eventually(lambda: keys.get(first))
        issuer.rotate()
        await eventually(lambda: keys.get(issuer.key_id))
        assert keys.get(first) is None


async def test_what_was_there_stays_while_the_issuer_is_away(issuer: FakeIssuer):
    keys = IssuerKeys(issuer.url, refresh_seconds=0.03, rest_seconds=0.03)
    async with keys.running():
        await eventually(lambda: keys.get(issuer.key_id))
        issuer.answers["/jwks"] = (500, b"")
        seen = issuer.asked.count("/jwks")
        await eventually(lambda: issuer.asked.count("/jwks") > seen + 2)
        assert keys.get(issuer.key_id)


ODD = {
    "not json": b"<html>",
    "cut": b'{"keys": [',
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "no keys": b"{}",
    "keys are no list": b'{"keys": {}}',
    "no usable key": b'{"keys": [null, 7, {}, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}',
    "odd fields": b'{"keys": [{"kty": ["RSA"]}, {"kty": "RSA", "alg": {}, "n": 1, "e": "AQAB", "kid": {}}]}',
    "too much": b'{"keys": "' + b"x" * 1_100_000 + b'"}',
    "not utf-8": b'{"keys": "\xff"}',
    "nothing": b"",
}


@pytest.mark.parametrize("odd", ODD)
async def test_odd_answers_are_waited_out(issuer: FakeIssuer, odd: str):
    issuer.answers["/jwks"] = (200, ODD[odd])
    keys = IssuerKeys(issuer.url, rest_seconds=0.02)
    async with keys.running():
        await eventually(lambda: issuer.asked.count("/jwks") >= 2)
        assert keys.get(None) is None
        assert keys.fetch_soon()
        issuer.answers.clear()
        await eventually(lambda: keys.get(issuer.key_id))


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://evil.example", "jwks_uri": "X/jwks"}, {"jwks_uri": "X/jwks"}, {"issuer": "X"},
     {"issuer": "X", "jwks_uri": 7}, {"issuer": "X", "jwks_uri": "http://evil.example/jwks"},
     {"issuer": "X", "jwks_uri": "file:///etc/passwd"}],
)  # fmt: skip
async def test_metadata_that_leads_elsewhere_is_not_followed(issuer: FakeIssuer, document: dict[str, Any]):
    answered = json.dumps(document).replace("X", issuer.url).encode()
    issuer.answers["/.well-known/oauth-authorization-server"] = (200, answered)
    keys = IssuerKeys(issuer.url, rest_seconds=0.02)
    async with keys.running():
        await eventually(lambda: len(issuer.asked) >= 2)
    assert "/jwks" not in issuer.asked


async def test_an_issuer_that_is_away_shows_in_health_until_it_is_back(issuer: FakeIssuer):
    issuer.answers["/jwks"] = (503, b"")
    keys, loops = IssuerKeys(issuer.url, rest_seconds=0.02), BackgroundLoops()
    with loops.collecting():
        async with keys.running():
            await eventually(lambda: loops.failing)
            assert [(loop.name, loop.error) for loop in loops.to_health()] == [("issuer keys", "Unavailable")]
            assert keys.fetch_soon()
            issuer.answers.clear()
            await eventually(lambda: not loops.failing)
            assert keys.get(issuer.key_id)


async def test_no_failure_of_ours_ends_the_fetching(issuer: FakeIssuer):
    def clock() -> float:
        return 1 / (issuer.asked.count("/jwks") - 1)  # fails after the first fetch

    keys = IssuerKeys(issuer.url, rest_seconds=0.02, clock=clock)
    async with keys.running():
        await eventually(lambda: issuer.asked.count("/jwks") >= 2)


async def test_a_stop_while_the_fetching_is_ended_is_not_swallowed():
    keys, end = IssuerKeys("http://127.0.0.1:9", rest_seconds=60), asyncio.Event()

    async def service() -> None:
        async with keys.running():
            await end.wait()
        await asyncio.Event().wait()

    serving = asyncio.create_task(service())
    await asyncio.sleep(0)
    end.set()
    await asyncio.sleep(0)  # the block is left, and its loop is being ended
    serving.cancel()
    await asyncio.wait({serving}, timeout=5)
    assert serving.cancelled()
    assert all(task.get_name() != "issuer keys" for task in asyncio.all_tasks())


async def test_an_issuer_that_is_not_there_harms_nothing():
    keys = IssuerKeys("http://127.0.0.1:9", rest_seconds=0.01)
    async with keys.running():
        await eventually(lambda: keys.fetch_soon())
        assert keys.get(None) is None
