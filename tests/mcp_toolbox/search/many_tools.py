"""Two hundred tools of twenty invented servers, in Spanish and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, Tool, ToolResult

_ES = {
    "crm": ("cliente", "de la cartera comercial"),
    "facturas": ("factura", "emitida por la empresa"),
    "rrhh": ("empleado", "de la plantilla"),
    "almacen": ("artículo", "del inventario"),
    "agenda": ("reunión", "del calendario"),
    "correo": ("mensaje", "del buzón"),
    "rutas": ("ruta", "de reparto"),
    "obras": ("proyecto", "de construcción"),
    "aulas": ("alumno", "del curso"),
    "clinica": ("paciente", "de la consulta médica"),
}
_EN = {
    "github": ("issue", "in a repository"),
    "files": ("file", "on this disk"),
    "photos": ("image", "in the album"),
    "weather": ("forecast", "for a city"),
    "music": ("song", "in the playlist"),
    "bank": ("payment", "of an account"),
    "kb": ("article", "of the encyclopedia"),
    "ci": ("build", "of the pipeline"),
    "maps": ("road", "on the map"),
    "shop": ("order", "of a customer"),
}
_ES_DOES = ("crear", "borrar", "buscar", "listar", "actualizar", "enviar", "copiar", "mover", "traducir", "contar")
_EN_DOES = ("create", "delete", "search", "list", "update", "send", "copy", "move", "translate", "count")


def many_tools() -> list[Tool]:
    spanish = [
        _tool(f"{server}__{verb}_{thing}", f"Sirve para {verb} un {thing} {where}.", {"texto": "El texto."})
        for server, (thing, where) in _ES.items()
        for verb in _ES_DOES
    ]
    english = [
        _tool(f"{server}__{verb}_{thing}", f"{verb.title()} one {thing} {where}.", {"text": "What it is."})
        for server, (thing, where) in _EN.items()
        for verb in _EN_DOES
    ]
    return spanish + english


def _tool(name: str, description: str, parameters: Mapping[str, str]) -> Tool:
    def run(arguments: dict[str, Any], context: CallContext) -> ToolResult:
        return ToolResult.of(f"{name} did it")

    properties = {each: {"type": "string", "description": said} for each, said in parameters.items()}
    schema = {"type": "object", "properties": properties}
    return Tool(name, description, schema, None, Hints(), dict, run)
