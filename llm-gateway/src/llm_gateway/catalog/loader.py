"""The catalogue as a file: YAML in, a `Catalog` out, or a complaint that names the line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from llm_gateway.catalog.builder import CatalogBuilder, Mistake
from llm_gateway.catalog.document import CatalogError, line_of, parse
from llm_gateway.catalog.models import Catalog
from llm_gateway.settings import GatewaySettings


def load_catalog(settings: GatewaySettings, environ: Mapping[str, str], path: Path | None = None) -> Catalog:
    """The catalogue in `path`, or the one that comes with the package, with `environ`'s credentials.

    Raises:
        CatalogError: the file cannot be read, does not parse, or contradicts itself.
    """
    try:
        text = (path or files("llm_gateway.catalog").joinpath("catalog.yaml")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: {error}") from error
    parsed, node = parse(text, str(path or "catalog.yaml"))
    present = {name: value for name, value in environ.items() if value.strip()}
    try:
        return CatalogBuilder(parsed, settings, present).build()
    except Mistake as mistake:
        raise CatalogError(f"{path or 'catalog.yaml'}:{line_of(node, mistake.path)}: {mistake}") from None
