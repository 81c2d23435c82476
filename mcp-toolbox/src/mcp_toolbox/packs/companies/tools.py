"""The tools of the pack *companies*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._words import Line
from mcp_toolbox.packs.companies.companies import Companies, Company
from mcp_toolbox.packs.memory.documents import Documents
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, Tool, from_function

_MOST_NAMED = 20
_MOST_FOUND = 5
_MOST_CHARS = 4000


@dataclass(frozen=True)
class Empresa:
    """A company as a model sees it."""

    nombre: str
    empleados: int


@dataclass(frozen=True)
class DocumentoHallado:
    """A document as a model sees it; `recortado` when the text goes on."""

    id: int
    titulo: str
    fuente: str | None
    texto: str
    recortado: bool


class CompanyTools:
    """The pack's tools over one table of companies."""

    def __init__(self, companies: Companies, documents: Documents | None) -> None:
        self._companies = companies
        self._documents = documents

    def tools(self) -> list[Tool]:
        company = Hints(title="Consultar empresa", read_only=True, idempotent=True, open_world=False)
        documents = Hints(title="Buscar documentos", read_only=True, idempotent=True, open_world=False)
        return [from_function(self.consultar_empresa, company), from_function(self.buscar_documentos, documents)]

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

    async def buscar_documentos(
        self,
        nombre_documento: Annotated[Line, Field(max_length=200, description="El nombre del documento, o parte de él.")],
        context: CallContext,
    ) -> list[DocumentoHallado]:
        """Busca por su nombre documentos que el usuario ha guardado en la memoria, y devuelve el comienzo de su texto.
        No distingue mayúsculas ni acentos. Para buscar por lo que dicen está recuperar_contexto."""
        if self._documents is None:
            raise ToolFailedError(
                "No hay documentos en los que buscar: el paquete memory no está activado (TOOL_PACKS=companies,memory)."
            )
        found = await self._documents.titled(context.tenant, nombre_documento, _MOST_FOUND, _MOST_CHARS)
        if not found:
            raise ToolFailedError(f"No hay ningún documento que se llame «{nombre_documento}».")
        return [
            DocumentoHallado(one.document.id, one.document.title, one.document.source, one.text, one.cut)
            for one in found
        ]


def _names(companies: Sequence[Company]) -> str:
    return ", ".join(company.name for company in companies)
