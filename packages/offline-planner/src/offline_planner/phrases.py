"""Everything that the planner says, in Spanish and in English."""

from __future__ import annotations

import msgspec


class Phrases(msgspec.Struct, frozen=True, gc=False):
    """The sentences of one language; braces are filled by `wording`."""

    open_quote: str
    close_quote: str
    and_word: str
    greeting: str
    thanks: str
    identity: str
    no_tools: str
    real_model: str
    can: str
    more: str
    empty: str
    image: str
    sum: str
    result: str
    result_with: str
    no_content: str
    failed: str
    no_result: str
    depends: str
    no_tool: str
    missing: str
    too_many: str
    unclear: str
    not_allowed: str
    unknown_tool: str
    stopped: str
    schema: str
    the_text: str
    counted: str
    changed: dict[str, str]
    operations: dict[str, str]
    units: dict[str, tuple[str, str]]


SPANISH = Phrases(
    open_quote="«",
    close_quote="»",
    and_word="y",
    greeting="¡Hola!",
    thanks="De nada.",
    identity="Soy el planificador sin conexión de la pasarela, no un modelo de lenguaje: entiendo peticiones sencillas"
    " y llamo a las herramientas que se me ofrecen.",
    no_tools="En esta petición no hay ninguna herramienta, así que no puedo hacer nada por mi cuenta.",
    real_model="Para preguntas abiertas hace falta un modelo de verdad: configura la clave de un proveedor (por"
    " ejemplo OPENAI_API_KEY) o el modelo local, y elige ese modelo.",
    can="Puedo usar:",
    more="- … y {count} más.",
    empty="El mensaje está vacío: escribe qué quieres que haga.",
    image="No puedo ver imágenes.",
    sum="El resultado de {what} es {result}.",
    result="Resultado de {tool}: {result}",
    result_with="Resultado de {tool} ({arguments}): {result}",
    no_content="(sin contenido)",
    failed="La herramienta {tool} ha fallado: {error}",
    no_result="La herramienta {tool} no ha dado ningún resultado.",
    depends="No he hecho {step}, porque depende de un paso que no ha salido bien.",
    no_tool="No puedo hacer {step}: ninguna de las herramientas disponibles sirve para eso.",
    missing="Para {step} usaría {tool}, pero falta: {names}.",
    too_many="No puedo hacer {step}: necesitaría más de {limit} llamadas a herramientas.",
    unclear="No entiendo las cantidades de {step}.",
    not_allowed="No he hecho {step}, porque en esta petición no se me permite llamar a herramientas.",
    unknown_tool="La herramienta {tool}, que se me pide usar, no está entre las que se me ofrecen.",
    stopped="Me detengo aquí: se han hecho demasiadas llamadas para esta pregunta.",
    schema="No puedo dar una respuesta con la forma pedida sin inventar datos.",
    the_text="El texto",
    counted="{text} tiene {count} {unit}.",
    changed={
        "uppercase": "{text} en mayúsculas es {result}.",
        "lowercase": "{text} en minúsculas es {result}.",
        "reverse": "{text} al revés es {result}.",
    },
    operations={
        "add": "sumar {list}",
        "subtract": "restar {b} a {a}",
        "multiply": "multiplicar {a} por {b}",
        "divide": "dividir {a} entre {b}",
        "power": "elevar {a} a {b}",
    },
    units={
        "word": ("palabra", "palabras"),
        "character": ("carácter", "caracteres"),
        "line": ("línea", "líneas"),
        "sentence": ("oración", "oraciones"),
        "vowel": ("vocal", "vocales"),
    },
)

ENGLISH = Phrases(
    open_quote="“",
    close_quote="”",
    and_word="and",
    greeting="Hello!",
    thanks="You're welcome.",
    identity="I am the gateway's offline planner, not a language model: I understand simple requests and call the"
    " tools that I am offered.",
    no_tools="This request offers no tools, so there is nothing that I can do on my own.",
    real_model="Open questions need a real model: configure a provider's key (for example OPENAI_API_KEY) or the"
    " local model, and choose that model.",
    can="I can use:",
    more="- … and {count} more.",
    empty="The message is empty: write what you want me to do.",
    image="I cannot see images.",
    sum="The result of {what} is {result}.",
    result="Result of {tool}: {result}",
    result_with="Result of {tool} ({arguments}): {result}",
    no_content="(no content)",
    failed="The tool {tool} failed: {error}",
    no_result="The tool {tool} gave no result.",
    depends="I did not do {step}, because it depends on a step that did not succeed.",
    no_tool="I cannot do {step}: none of the available tools is for that.",
    missing="For {step} I would use {tool}, but this is missing: {names}.",
    too_many="I cannot do {step}: it would take more than {limit} tool calls.",
    unclear="I do not understand the quantities in {step}.",
    not_allowed="I did not do {step}, because this request does not let me call tools.",
    unknown_tool="The tool {tool}, which I am asked to use, is not among those that I am offered.",
    stopped="I stop here: too many calls have been made for this question.",
    schema="I cannot give an answer of the requested form without inventing data.",
    the_text="The text",
    counted="{text} has {count} {unit}.",
    changed={
        "uppercase": "{text} in upper case is {result}.",
        "lowercase": "{text} in lower case is {result}.",
        "reverse": "{text} reversed is {result}.",
    },
    operations={
        "add": "adding {list}",
        "subtract": "subtracting {b} from {a}",
        "multiply": "multiplying {a} by {b}",
        "divide": "dividing {a} by {b}",
        "power": "raising {a} to the power of {b}",
    },
    units={
        "word": ("word", "words"),
        "character": ("character", "characters"),
        "line": ("line", "lines"),
        "sentence": ("sentence", "sentences"),
        "vowel": ("vowel", "vowels"),
    },
)


def speak(language: str) -> Phrases:
    """The phrases of a language, "es" or "en"."""
    return SPANISH if language == "es" else ENGLISH
