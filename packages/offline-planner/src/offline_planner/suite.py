"""What is known of the suite's own tools beyond their schemas: other words for them, and what they do in two languages.

A tool of another server has none of this: its name, its parameters and the vocabulary are all that is known of it.
"""

from __future__ import annotations

import msgspec


class Known(msgspec.Struct, frozen=True, gc=False):
    """`reads`: it changes nothing, for clients that do not send `readOnlyHint`. `words` are concepts that may
    stand in a request for it, `enough` those of which one is as good as the tool's own noun; `verbs` as its own;
    `counted` is what it tells the number of."""

    titles: dict[str, str]
    reads: bool = True
    words: frozenset[str] = frozenset()
    enough: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


def _known(
    es: str, en: str, *, reads: bool = True, words: str = "", enough: str = "", verbs: str = "", counted: str = ""
) -> Known:
    sets = (frozenset(part.split()) for part in (words, enough, verbs, counted))
    return Known({"es": es, "en": en}, reads, *sets)


KNOWN = {
    "add": _known("suma dos números", "adds two numbers"),
    "multiply": _known("multiplica dos números", "multiplies two numbers"),
    "uppercase": _known("pone un texto en mayúsculas", "puts a text into upper case"),
    "count_words": _known("cuenta las palabras de un texto", "counts the words of a text"),
    "consultar_empresa": _known(
        "dice cuántos empleados tiene una empresa", "tells how many employees a company has",
        words="employee information number ~person", counted="employee",
    ),
    "buscar_documentos": _known(
        "busca documentos por su nombre", "finds documents by their name", words="name file memory title"
    ),
    "list_employees": _known(
        "lista los empleados de la propia empresa", "lists the company's own employees",
        words="list_noun company name number",
    ),
    "add_employee": _known(
        "añade un empleado al registro", "adds an employee to the register", reads=False, words="company",
        verbs="put_in create hire",
    ),
    "memorizar_informacion": _known(
        "guarda un texto en la memoria", "keeps a text in the memory", reads=False, words="memory information text note"
    ),
    "recuperar_contexto": _known(
        "busca en la memoria", "looks in the memory", words="memory information context text", enough="memory"
    ),
    "listar_documentos": _known(
        "lista los documentos de la memoria", "lists the documents in the memory", words="memory list_noun"
    ),
    "borrar_documento": _known(
        "borra un documento de la memoria", "deletes a document from the memory", reads=False, words="memory id number"
    ),
    "obtener_cliente": _known(
        "busca un cliente en Odoo", "finds a customer in Odoo",
        words="~odoo information email phone city country name address",
    ),
    "search_tools": _known("busca herramientas", "searches for tools"),
}  # fmt: skip
