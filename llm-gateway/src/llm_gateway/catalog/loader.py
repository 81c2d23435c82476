"""The catalog as a file: YAML in, a `Catalog` out, or a complaint that names the line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from llm_gateway.catalog.builder import CatalogBuilder
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import CatalogError, Document, Place, parse
from llm_gateway.catalog.overlay import rows_of
from llm_gateway.settings import GatewaySettings

_BUILTIN = "catalog.yaml"


def load_catalog(settings: GatewaySettings, environ: Mapping[str, str], path: Path | None = None) -> Catalog:
    """Returns the catalog that comes with the package, with the one in `path` laid over it, and `environ`'s
    credentials.

    Raises:
        CatalogError: the file cannot be read, does not parse, or contradicts itself.
    """
    own = _builtin() if path is None else _read(path)
    present = {name: value for name, value in environ.items() if value.strip()}
    try:
        rows = rows_of(own, _builtin())
    except RecursionError:
        raise CatalogError(f"{own.name}: it is nested too deeply") from None
    return CatalogBuilder(rows, Place(own), settings, present).build()


@cache
def _builtin() -> Document:
    return parse(files("llm_gateway.catalog").joinpath(_BUILTIN).read_text(encoding="utf-8"), _BUILTIN)


def _read(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: {error}") from error
    return parse(text, str(path))
