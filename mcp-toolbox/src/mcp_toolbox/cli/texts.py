"""What the command says, in the suite's two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_kit.language import Language

_TEXTS = {
    "about": (
        "Lista, llama y comprueba servidores MCP. Sin --url ni --stdio, la caja de herramientas de este equipo.",
        "Lists, calls and checks MCP servers. Without --url and --stdio, the toolbox of this machine.",
    ),
    "list": ("lista las herramientas de un servidor", "list a server's tools"),
    "call": ("llama a una herramienta", "call a tool"),
    "check": ("conecta con cada servidor de un archivo mcpServers", "connect to each server of an mcpServers file"),
    "url": ("servidor por HTTP (o SSE, si acaba en /sse)", "server over HTTP (or SSE, if it ends in /sse)"),
    "stdio": ("programa que habla MCP por sus flujos estándar", "program that speaks MCP over its standard streams"),
    "header": ("cabecera HTTP, NOMBRE=VALOR", "HTTP header, NAME=VALUE"),
    "timeout": ("segundos como máximo", "seconds at most"),
    "json": ("escribe JSON", "write JSON"),
    "tool": ("nombre de la herramienta", "name of the tool"),
    "arguments": (
        "nombre=valor; nombre:=JSON para listas y objetos", "name=value; name:=JSON for lists and objects",
    ),
    "file": ("archivo mcpServers", "mcpServers file"),
    "name": ("HERRAMIENTA", "TOOL"),
    "marks": ("RIESGO", "RISK"),
    "description": ("QUÉ HACE", "WHAT IT DOES"),
    "server": ("SERVIDOR", "SERVER"),
    "state": ("ESTADO", "STATE"),
    "tools": ("HERR.", "TOOLS"),
    "time": ("TIEMPO", "TIME"),
    "notes": ("NOTAS", "NOTES"),
    "reads": ("lee", "reads"),
    "writes": ("escribe", "writes"),
    "destroys": ("destruye", "destroys"),
    "connected": ("conectado", "connected"),
    "failed": ("falla", "failed"),
    "disabled": ("desactivado", "disabled"),
    "no_tools": ("El servidor no tiene herramientas.", "The server has no tools."),
    "no_servers": ("El archivo no tiene servidores.", "The file has no servers."),
    "no_tool": ("No hay ninguna herramienta «{tool}».", "There is no tool “{tool}”."),
    "near": (" ¿Quizá {near}?", " Perhaps {near}?"),
    "argument": (
        "«{text}» no es un argumento: se escribe nombre=valor o nombre:=JSON.",
        "“{text}” is no argument: write name=value or name:=JSON.",
    ),
    "twice": ("{name} está dos veces.", "{name} stands there twice."),
    "no_text": ("{name}: no es un texto Unicode.", "{name}: is no Unicode text."),
    "value": ("{name}: «{text}» no es {kind}.", "{name}: “{text}” is no {kind}."),
    "away": ("No se puede hablar con {server}: {reason}", "Cannot talk to {server}: {reason}"),
    "slow": ("{server} no respondió en {seconds:g} s", "{server} did not answer within {seconds:g} s"),
    "approve": ("¿Lo permites? [s/N] ", "Do you allow it? [y/N] "),
}  # fmt: skip


class Texts:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self._number = 0 if language == "es" else 1

    def __call__(self, key: str, **values: Any) -> str:
        """Returns the text of that key."""
        return _TEXTS[key][self._number].format(**values)


def language_of(environ: Mapping[str, str]) -> Language:
    """Returns UI_LANGUAGE, else the terminal's language if it is one of the suite's, else Spanish, its default."""
    chosen = environ.get("UI_LANGUAGE") or environ.get("LC_ALL") or environ.get("LANG") or ""
    return "en" if chosen.lower().startswith("en") else "es"
