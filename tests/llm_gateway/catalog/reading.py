"""Catalogs from text."""

from __future__ import annotations

from pathlib import Path

import pytest
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import CatalogError
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load


def builtin(**environ: str) -> Catalog:
    """The catalog that comes with the package."""
    return load_catalog(load(GatewaySettings, environ), environ)


def read(tmp_path: Path, text: str, **environ: str) -> Catalog:
    """The catalog of an operator's file with this text."""
    path = tmp_path / "catalog.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(load(GatewaySettings, environ), environ, path)


def refused(tmp_path: Path, text: str, **environ: str) -> str:
    """Why such a file is refused: what the message says behind the file's name."""
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, text, **environ)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "catalog.yaml"))
    return message.removeprefix(str(tmp_path / "catalog.yaml"))
