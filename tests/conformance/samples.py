"""Small media that the official conformance suite asks its fixture server for."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

PNG_TYPE, WAV_TYPE = "image/png", "audio/wav"


def png() -> bytes:
    """One red pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    chunks = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def wav() -> bytes:
    """A hundredth of a second of silence."""
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))
    return held.getvalue()


def image_block() -> dict[str, str]:
    """The pixel as a block of content."""
    return {"type": "image", "data": base64.b64encode(png()).decode(), "mimeType": PNG_TYPE}


def audio_block() -> dict[str, str]:
    """The silence as a block of content."""
    return {"type": "audio", "data": base64.b64encode(wav()).decode(), "mimeType": WAV_TYPE}
