"""The interface of embedders, which turn text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""One row per text, each of length 1, so that the product of two rows is their cosine similarity."""


class Embedder(Protocol):
    """Computes vectors with the model `model`; vectors of two models cannot be compared."""

    @property
    def model(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Returns the vectors of `texts`, in their order.

        Raises:
            ToolFailedError: no vectors can be computed at the moment.
        """
        ...


def normalized(vectors: Vectors) -> Vectors:
    """Returns `vectors` with each row scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
