"""An image is fetched from where a caller says only if that is a place where anybody may go."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest
from llm_gateway.net.proxy import NoProxy, Proxies, proxy_of
from llm_gateway.providers.remote_images.fetching import ImageFetcher, NotFetched, media_type_of
from service_kit.public_addresses import is_public, resolve

from tests.llm_gateway.providers.remote_images.pictures import HOST, PNG, answer, pictures
from tests.proxy import proxying

UNREACHABLE = "it could not be reached"


async def refused(fetcher: ImageFetcher, url: str) -> str:
    with pytest.raises(NotFetched) as failure:
        await fetcher.fetch(url)
    return failure.value.reason


async def test_an_image_comes_with_the_type_that_its_bytes_say(tmp_path: Path):
    async with pictures(tmp_path, a=answer(), b=answer(b"GIF89a...", "image/png; x=1")) as stage:
        fetcher = stage.fetcher()
        assert await fetcher.fetch(stage.url("/a")) == (PNG, "image/png")
        assert await fetcher.fetch(stage.url("/b")) == (b"GIF89a...", "image/gif")
    assert stage.looked_up == [HOST, HOST]


async def test_a_proxy_gets_the_address_that_was_judged_and_never_the_name(tmp_path: Path):
    async with pictures(tmp_path, a=answer()) as stage, proxying() as proxy:
        ways = Proxies(https=proxy_of(f"http://127.0.0.1:{proxy.port}"))
        assert await stage.fetcher(proxies=ways).fetch(stage.url("/a")) == (PNG, "image/png")
        direct = Proxies(https=proxy_of("http://127.0.0.1:1"), no=NoProxy([HOST]))
        assert await stage.fetcher(proxies=direct).fetch(stage.url("/a")) == (PNG, "image/png")
        assert await refused(stage.fetcher(proxies=ways, allowed=is_public), stage.url("/a")) == UNREACHABLE
    assert proxy.asked == [f"CONNECT 127.0.0.1:{stage.port}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"])
async def test_behind_a_proxy_what_is_not_public_is_not_gone_to_either(host: str):
    async with proxying() as proxy:
        ways = Proxies(https=proxy_of(f"http://127.0.0.1:{proxy.port}"))
        assert await refused(ImageFetcher(max_bytes=1000, proxies=ways), f"https://{host}/a") == UNREACHABLE
    assert proxy.asked == []


async def test_nothing_of_ours_goes_out(tmp_path: Path):
    path = "/a%20b/%C3%B1?q=%20x&y=1"
    async with pictures(tmp_path) as stage:
        stage.pages[path] = answer()
        await stage.fetcher().fetch(stage.url("/a b/ñ?q=%20x&y=1#part"))
    [head] = stage.requests
    lines = head.strip().split("\r\n")
    assert lines[0] == f"GET {path} HTTP/1.1"
    assert {line.split(":")[0] for line in lines[1:]} == {
        "host", "accept", "accept-encoding", "user-agent", "connection"
    }  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://{host}:{port}/a",
        "ftp://{host}:{port}/a",
        "file:///etc/passwd",
        "gs://bucket/a",
        "//{host}:{port}/a",
        "a.png",
        "",
        "https://",
        "https://user@{host}:{port}/a",
        "https://user:secret@{host}:{port}/a",
        "https://:@{host}:{port}/a",
        "https://{host}/a",
        "https://{host}:22/a",
        "https://{host}:99999/a",
        "https://{host}:x/a",
        "https://[::1/a",
        "https://[fe80::1%25eth0]:{port}/a",
        "https://a..b:{port}/a",
        "https://" + "a" * 64 + ".test:{port}/a",
        "https://a b:{port}/a",
        "https://a\x00b:{port}/a",
    ],
)
async def test_only_plain_https_addresses_are_gone_to(tmp_path: Path, url: str):
    async with pictures(tmp_path, a=answer()) as stage:
        reason = await refused(stage.fetcher(), url.format(host=HOST, port=stage.port))
    assert "only https addresses" in reason and not stage.looked_up


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
async def test_every_address_of_a_host_must_be_allowed(tmp_path: Path, addresses: list[str]):
    async def resolver(host: str, port: int) -> list[str]:
        return addresses

    async with pictures(tmp_path, a=answer()) as stage:
        assert await refused(stage.fetcher(resolver=resolver), stage.url("/a")) == UNREACHABLE
    assert not stage.requests


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]"]
)
async def test_by_default_loopback_is_never_gone_to_however_it_is_written(tmp_path: Path, host: str):
    async with pictures(tmp_path, a=answer()) as stage:
        fetcher = ImageFetcher(max_bytes=1000, seconds=5, port=stage.port, tls=stage.tls)
        with pytest.raises(NotFetched) as failure:
            await fetcher.fetch(f"https://{host}:{stage.port}/a")
    assert failure.value.reason == UNREACHABLE and "is not public" in failure.value.detail
    assert not stage.requests


async def test_the_name_is_looked_up_once_so_that_it_cannot_change(tmp_path: Path):
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with pictures(tmp_path, a=answer()) as stage:
        assert (await stage.fetcher(resolver=rebinding).fetch(stage.url("/a"))).data == PNG
    assert len(answers) == 1


async def test_an_address_that_does_not_answer_leaves_the_next_one(tmp_path: Path):
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with pictures(tmp_path, a=answer()) as stage:
        fetcher = stage.fetcher(resolver=resolver, allowed=lambda address: address.startswith("127."))
        assert (await fetcher.fetch(stage.url("/a"))).data == PNG


async def test_a_name_that_does_not_exist(tmp_path: Path):
    async def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async with pictures(tmp_path) as stage:
        assert await refused(stage.fetcher(resolver=resolver), stage.url("/a")) == UNREACHABLE


async def test_a_certificate_must_be_the_hosts_own(tmp_path: Path):
    async with pictures(tmp_path, a=answer()) as stage:
        assert await refused(stage.fetcher(tls=ssl.create_default_context()), stage.url("/a")) == UNREACHABLE
        assert await refused(stage.fetcher(), f"https://other.test:{stage.port}/a") == UNREACHABLE
    assert not stage.requests


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed(tmp_path: Path, status: str):
    async with pictures(tmp_path, a=answer(b"", status=status, location="b?x=1")) as stage:
        stage.pages["/b?x=1"] = answer()
        assert (await stage.fetcher().fetch(stage.url("/a"))).data == PNG


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://pictures.test/b", "only https"),
        ("https://pictures.test:22/b", "only https"),
        ("file:///etc/passwd", "only https"),
        ("https://u:p@pictures.test/b", "only https"),
        ("https://[::1", UNREACHABLE),
        ("/a", "redirected too often"),
    ],
)
async def test_each_hop_is_judged_as_the_first_one(tmp_path: Path, location: str, reason: str):
    async with pictures(tmp_path, a=answer(b"", status="302 Found", location=location)) as stage:
        assert reason in await refused(stage.fetcher(), stage.url("/a"))
    assert len(stage.requests) <= 4


async def test_a_redirect_to_a_private_name_is_not_followed(tmp_path: Path):
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == HOST else ["169.254.169.254"]

    async with pictures(tmp_path) as stage:
        stage.pages["/a"] = answer(b"", status="302 Found", location=f"https://metadata.test:{stage.port}/")
        assert await refused(stage.fetcher(resolver=resolver), stage.url("/a")) == UNREACHABLE
    assert len(stage.requests) == 1


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (answer(status="404 Not Found"), "did not give it"),
        (answer(status="500 Oops"), "did not give it"),
        (answer(status="302 Found"), "did not give it"),
        (answer(status="206 Partial Content"), "did not give it"),
        (answer(b"<html>", "text/html"), "is no PNG"),
        (answer(PNG, "text/html"), "is no PNG"),
        (answer(PNG, ""), "is no PNG"),
        (answer(b"<svg>", "image/svg+xml"), "is no PNG"),
        (answer(b"root:x:0:0", "image/png"), "is no PNG"),
        (answer(b"", "image/png"), "is no PNG"),
        (answer(PNG[:5], "image/png"), "is no PNG"),
        (answer(content_encoding="gzip"), "coding"),
        (answer(PNG + b"x" * 1000), "more than 1000 bytes"),
        (answer(PNG + b"x" * 100_000, content_length=""), "more than 1000 bytes"),
        (answer(PNG[:9], content_length="14"), UNREACHABLE),
        (b"not http at all\r\n\r\n", UNREACHABLE),
        (b"", UNREACHABLE),
    ],
)
async def test_what_is_no_image_of_that_size_is_refused(tmp_path: Path, page: bytes, reason: str):
    async with pictures(tmp_path, a=page) as stage:
        assert reason in await refused(stage.fetcher(), stage.url("/a"))


async def test_an_endless_body_is_not_read_to_its_end(tmp_path: Path):
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n" + PNG)
        while not writer.is_closing():
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with pictures(tmp_path, a=endless) as stage:
        assert "more than" in await refused(stage.fetcher(max_bytes=50_000), stage.url("/a"))


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", answer(PNG, content_length="100")])
async def test_all_of_it_has_one_time_limit(tmp_path: Path, first: bytes):
    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(b"x" if b"content" in first else b"")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with pictures(tmp_path, a=slow) as stage:
        began = time.monotonic()
        assert await refused(stage.fetcher(seconds=0.3), stage.url("/a")) == UNREACHABLE
        assert time.monotonic() - began < 3


async def test_a_slow_resolver_is_in_the_limit_too(tmp_path: Path):
    async def resolver(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with pictures(tmp_path) as stage:
        assert await refused(stage.fetcher(resolver=resolver, seconds=0.1), stage.url("/a")) == UNREACHABLE


async def test_the_systems_resolver():
    assert "127.0.0.1" in await resolve("127.0.0.1", 443)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"BM", None),
        (b"%PDF", None),
        (b"", None),
    ],
)
def test_types_by_their_first_bytes(data: bytes, media_type: str | None):
    assert media_type_of(data) == media_type
