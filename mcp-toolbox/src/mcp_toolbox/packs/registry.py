"""The list of tool packs, and the opening of those that are switched on.

A pack is a package beside this file, with the pack's name. It defines

    @asynccontextmanager
    async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]

and is imported only if it is switched on. If it needs large libraries beyond the toolbox's requirements, they are an
optional dependency with the pack's name in pyproject.toml, and `LIBRARIES` lists the names of their modules.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from mcp_toolbox import packs

if TYPE_CHECKING:
    from mcp_toolbox.registry.tools import ToolRegistry
    from mcp_toolbox.settings import ToolboxSettings


def pack_names() -> tuple[str, ...]:
    """Returns every pack's name in alphabetical order, without importing any."""
    found = pkgutil.iter_modules(packs.__path__)
    return tuple(sorted(module.name for module in found if module.ispkg and not module.name.startswith("_")))


def known_packs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns `names` without repetitions.

    Raises:
        ValueError: a name is not that of a pack, or the pack's libraries are missing; the message says how to install
            them.
    """
    known = pack_names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no tool pack {', '.join(unknown)}; known are {', '.join(known)}")
    for name in names:
        _check_libraries(name)
    return tuple(dict.fromkeys(names))


def _check_libraries(name: str) -> None:
    libraries = getattr(importlib.import_module(f"{packs.__name__}.{name}"), "LIBRARIES", ())
    missing = [library for library in libraries if importlib.util.find_spec(library) is None]
    if missing:
        raise ValueError(
            f"the pack {name} needs {' and '.join(missing)}, not installed here: `make up` installs what TOOL_PACKS "
            f"names in the environment or in .env; elsewhere, pip install 'mcp-toolbox[{name}]'"
        )


@asynccontextmanager
async def opened_packs(settings: ToolboxSettings, registry: ToolRegistry) -> AsyncIterator[None]:
    """Opens the packs that `settings` switches on. Their tools are in `registry` until the block ends.

    Raises:
        ToolDefinitionError: a pack has a tool whose name is taken.
    """
    async with AsyncExitStack() as stack:
        for name in settings.tool_packs:
            pack = importlib.import_module(f"{packs.__name__}.{name}")
            registry.replace(name, await stack.enter_async_context(pack.opened(settings)))
            stack.callback(registry.replace, name, ())
        yield
