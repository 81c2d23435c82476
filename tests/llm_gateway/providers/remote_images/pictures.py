"""A server of pictures over TLS on loopback, under a name that only its own fetcher can find."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from llm_gateway.providers.remote_images.fetching import ImageFetcher

HOST = "pictures.test"
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = PNG, type_: str = "image/png", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP answer; `content_length=""` leaves that out."""
    fields = {"content-type": type_, "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Pictures:
    """Answers by path: bytes, or a play. `requests` are the heads that came."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    pages: dict[str, bytes | Play] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://{HOST}:{self.port}{path}"

    def fetcher(self, **changes: Any) -> ImageFetcher:
        """One that finds this server and may go to loopback."""

        async def resolver(host: str, port: int) -> list[str]:
            self.looked_up.append(host)
            return ["127.0.0.1"]

        options: dict[str, Any] = {
            "max_bytes": 1000, "seconds": 5, "port": self.port, "resolver": resolver, "tls": self.tls,
            "allowed": lambda address: address == "127.0.0.1",
        }  # fmt: skip
        return ImageFetcher(**{**options, **changes})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            page = self.pages[head.split(" ")[1]]
            if isinstance(page, bytes):
                writer.write(page)
                await writer.drain()
            else:
                await page(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side has left
        finally:
            writer.close()


@asynccontextmanager
async def pictures(folder: Path, **pages: bytes | Play) -> AsyncIterator[Pictures]:
    """A server of these pages, `a` standing for `/a`."""
    file = _certificate(folder)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    stage = Pictures(
        tls=ssl.create_default_context(cafile=str(file)), pages={f"/{name}": page for name, page in pages.items()}
    )
    server = await asyncio.start_server(stage.serve, "127.0.0.1", 0, ssl=serving)
    stage.port = server.sockets[0].getsockname()[1]
    try:
        yield stage
    finally:
        server.close()


def _certificate(folder: Path) -> Path:
    """One for HOST that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file
