"""The catalog as a file: YAML in, a `Catalog` out, or a complaint that names the line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from service_kit.files import read_file
from service_kit.secret_files import SecretFileError, with_secret_files
from service_kit.settings import SettingsError

from llm_gateway.catalog.builder import CatalogBuilder
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import CatalogError, Document, Place, parse
from llm_gateway.catalog.overlay import rows_of
from llm_gateway.catalog.rows import CatalogRows
from llm_gateway.settings import GatewaySettings

_BUILTIN = "catalog.yaml"
_LARGEST = 4 * 1024 * 1024
"""In bytes. The built-in catalog has less than a hundredth of it."""


def load_catalog(settings: GatewaySettings, environ: Mapping[str, str], path: Path | None = None) -> Catalog:
    """Returns the catalog that comes with the package, with the one in `path` laid over it, and `environ`'s
    credentials. A provider's key may come from a file: see `with_secret_files`.

    Raises:
        CatalogError: the file cannot be read, does not parse, or contradicts itself.
        SettingsError: the file of a provider's key cannot be used.
    """
    own = _builtin() if path is None else _read(path)
    try:
        rows = rows_of(own, _builtin())
    except RecursionError:
        raise CatalogError(f"{own.name}: it is nested too deeply") from None
    try:
        given = with_secret_files(environ, _key_variables(rows))
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    present = {name: value for name, value in given.items() if value.strip()}
    return CatalogBuilder(rows, Place(own), settings, present).build()


def _key_variables(rows: CatalogRows) -> set[str]:
    """Returns the variables that hold the providers' keys."""
    found: set[str] = set()
    for placed in rows.providers.values():
        row = placed.row
        found.update(row.keys, filter(None, (row.key_variable, row.optional_key_variable, row.token_variable)))
    return found


@cache
def _builtin() -> Document:
    return parse(files("llm_gateway.catalog").joinpath(_BUILTIN).read_text(encoding="utf-8"), _BUILTIN)


def _read(path: Path) -> Document:
    try:
        content = read_file(path, _LARGEST)
        if len(content) > _LARGEST:
            raise CatalogError(f"{path}: it is larger than {_LARGEST} bytes")
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: {error}") from error
    return parse(text, str(path))
