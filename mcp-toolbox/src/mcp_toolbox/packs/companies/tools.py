"""What a model may ask about companies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._words import Line
from mcp_toolbox.packs.companies.companies import Companies, Company
from mcp_toolbox.tool import Hints, Tool, from_function

_MOST_NAMED = 20


@dataclass(frozen=True)
class Empresa:
    """A company as a model sees it."""

    nombre: str
    empleados: int


class CompanyTools:
    """The pack's tools over one table of companies."""

    def __init__(self, companies: Companies) -> None:
        self._companies = companies

    def tools(self) -> list[Tool]:
        hints = Hints(title="Consultar empresa", read_only=True, idempotent=True, open_world=False)
        return [from_function(self.consultar_empresa, hints)]

    async def consultar_empresa(
        self, nombre: Annotated[Line, Field(max_length=120, description="Nombre de la empresa, como Empresa X.")]
    ) -> Empresa:
        """Consulta los datos de una empresa por su nombre: cuántos empleados tiene. No distingue mayúsculas ni
        acentos, y basta una parte del nombre si solo una empresa la tiene."""
        found = await self._companies.named(nombre, _MOST_NAMED)
        if len(found) == 1:
            return Empresa(found[0].name, found[0].employees)
        if found:
            raise ToolFailedError(f"Hay varias empresas que se llaman así: {_names(found)}. Di cuál de ellas.")
        every = await self._companies.first(_MOST_NAMED)
        known = f"Las que hay: {_names(every)}." if every else "No hay ninguna registrada."
        raise ToolFailedError(f"No hay ninguna empresa «{nombre}». {known}")


def _names(companies: Sequence[Company]) -> str:
    return ", ".join(company.name for company in companies)
