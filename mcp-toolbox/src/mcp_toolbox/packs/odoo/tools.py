"""The tools of the pack *odoo*."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._words import Line
from mcp_toolbox.packs.odoo.session import OdooSession
from mcp_toolbox.registry.tool import Hints, Tool, from_function

_MOST = 10
_FIELDS = ("name", "email", "phone", "city", "country_id")


@dataclass(frozen=True)
class Cliente:
    """A customer; null is what Odoo does not know."""

    nombre: str
    correo: str | None
    telefono: str | None
    ciudad: str | None
    pais: str | None


class OdooTools:
    """The pack's tools over one session."""

    def __init__(self, session: OdooSession) -> None:
        self._session = session

    def tools(self) -> list[Tool]:
        hints = Hints(title="Obtener cliente", read_only=True, idempotent=True, open_world=True)
        return [from_function(self.obtener_cliente, hints)]

    async def obtener_cliente(
        self, nombre: Annotated[Line, Field(max_length=120, description="Nombre del cliente, o parte de él.")]
    ) -> list[Cliente]:
        """Busca en Odoo los clientes cuyo nombre contiene el que se da, diez como máximo, y devuelve su nombre, correo,
        teléfono, ciudad y país. No distingue mayúsculas."""
        # Odoo's ilike does not escape SQL's wildcards.
        pattern = re.sub(r"([\\%_])", r"\\\1", nombre)
        found = await self._session.search_read("res.partner", [["name", "ilike", pattern]], _FIELDS, _MOST, "name, id")
        if not found:
            raise ToolFailedError(f"En Odoo no hay ningún cliente cuyo nombre contenga «{nombre}».")
        return [_client(record) for record in found]


def _client(record: Any) -> Cliente:
    if not isinstance(record, Mapping):
        raise ToolFailedError("En ODOO_URL responde algo que no es un Odoo.")
    country = record.get("country_id")  # a link is a list of id and name, or false
    return Cliente(
        nombre=_text(record.get("name")) or "",
        correo=_text(record.get("email")),
        telefono=_text(record.get("phone")),
        ciudad=_text(record.get("city")),
        pais=_text(country[1]) if isinstance(country, list) and len(country) == 2 else None,
    )


def _text(value: Any) -> str | None:
    """Returns a text field's value; Odoo sends false for an empty one."""
    return value if isinstance(value, str) and value else None
