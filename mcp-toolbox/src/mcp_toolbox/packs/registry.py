"""Which tool packs there are, and opening those that are switched on.

A pack is a package beside this file whose name is the pack's. It defines

    @asynccontextmanager
    async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]

and is imported only when it is on. What it needs beyond the toolbox's own requirements, since it is large, is an
optional dependency of the pack's name in pyproject.toml; `LIBRARIES` are then the names of the modules.
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
    """Every pack's name, in alphabetical order; nothing is imported for it."""
    found = pkgutil.iter_modules(packs.__path__)
    return tuple(sorted(module.name for module in found if module.ispkg and not module.name.startswith("_")))


def known_packs(names: tuple[str, ...]) -> tuple[str, ...]:
    """`names` without repetitions.

    Raises:
        ValueError: one of them is no pack, or lacks libraries; the message says how to install them.
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
    """While this is entered, `registry` has the tools of the packs that `settings` switches on.

    Raises:
        ToolDefinitionError: a pack has a tool with a name that is taken.
    """
    async with AsyncExitStack() as stack:
        for name in settings.tool_packs:
            pack = importlib.import_module(f"{packs.__name__}.{name}")
            registry.replace(name, await stack.enter_async_context(pack.opened(settings)))
            stack.callback(registry.replace, name, ())
        yield
