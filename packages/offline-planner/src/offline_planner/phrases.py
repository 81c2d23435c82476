"""Everything that the planner says, in Spanish and in English."""

from __future__ import annotations

import msgspec


class Phrases(msgspec.Struct, frozen=True, gc=False):
    """The sentences of one language; braces are filled by `wording` and `asking`."""

    open_quote: str
    close_quote: str
    and_word: str
    or_word: str
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
    wrong: str
    too_many: str
    too_long: str
    unclear: str
    instead: str
    number: str
    number_choice: str
    inexact: str
    negated: str
    told: str
    choose_tool: str
    choose_reading: str
    choose_text: str
    which_text: str
    no_earlier: str
    read_as: str
    remembered: str
    passage: str
    source: str
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
    or_word="o",
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
    depends="No he hecho «{step}», porque depende de un paso que no ha salido bien.",
    no_tool="No puedo hacer «{step}»: ninguna de las herramientas disponibles sirve para eso, o no entiendo cómo.",
    missing="Para «{step}» usaría {tool}, pero falta: {names}. Dímelo y lo hago.",
    wrong="No he llamado a {tool}: el valor de «{name}» no le sirve. Acepta: {allowed}.",
    too_many="No puedo hacer «{step}»: necesitaría más de {limit} llamadas a herramientas.",
    too_long="No he hecho nada: la petición es demasiado larga para mí. Leo hasta {characters} caracteres y {words}"
    " palabras; un texto más largo tiene que ir entre comillas o detrás de dos puntos.",
    unclear="No he hecho nada, porque no entiendo esta parte: «{part}».",
    instead="Lo más parecido que entiendo es {tool}: {title}.",
    number="No he hecho nada, porque no entiendo la cantidad «{text}».",
    number_choice="¿Cuánto es «{text}»: {values}? No he hecho nada; escríbelo sin ambigüedad y lo hago.",
    inexact="No he hecho nada: «{text}» tiene más cifras de las que la herramienta recibe sin redondear (17).",
    negated="De acuerdo, no lo hago: he leído «{word}», y no he llamado a ninguna herramienta.",
    told="No he hecho nada, porque es una pregunta y no una orden. Para eso está {tool}: {title}. Si quieres que lo"
    " haga, dilo como orden («{example}»).",
    choose_tool="No he hecho nada, porque sirven por igual varias herramientas: {tools}. Dime cuál, por su nombre.",
    choose_reading="No he hecho nada, porque «{part}» puede entenderse de varias maneras. Usa paréntesis o dos frases.",
    choose_text="No he hecho nada: no sé si «{part}» es parte del texto o otra petición. Pon el texto entre comillas.",
    which_text="No he hecho nada, porque no sé cuál es el texto en «{part}». Ponlo entre comillas o detrás"
    " de dos puntos.",
    no_earlier="No he hecho «{step}», porque no sé a qué resultado anterior te refieres.",
    read_as="He leído {numbers}.",
    remembered="No sé contestar por mi cuenta, pero esto es lo más cercano que hay en tu memoria:",
    passage="> {text}",
    source="fuente: {source}",
    not_allowed="No he hecho «{step}», porque en esta petición no se me permite llamar a herramientas.",
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
    or_word="or",
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
    depends="I did not do “{step}”, because it depends on a step that did not succeed.",
    no_tool="I cannot do “{step}”: none of the available tools is for that, or I do not understand how.",
    missing="For “{step}” I would use {tool}, but this is missing: {names}. Tell me and I do it.",
    wrong="I did not call {tool}: the value of “{name}” does not suit it. It takes: {allowed}.",
    too_many="I cannot do “{step}”: it would take more than {limit} tool calls.",
    too_long="I did nothing: the request is too long for me. I read up to {characters} characters and {words} words;"
    " a longer text has to stand in quotes or behind a colon.",
    unclear="I did nothing, because I do not understand this part: “{part}”.",
    instead="The nearest that I understand is {tool}: {title}.",
    number="I did nothing, because I do not understand the quantity “{text}”.",
    number_choice="How much is “{text}”: {values}? I did nothing; write it without ambiguity and I do it.",
    inexact="I did nothing: “{text}” has more digits than the tool receives without rounding (17).",
    negated="All right, I did not do it: I read “{word}”, and called no tool.",
    told="I did nothing, because that is a question and not an order. For that there is {tool}: {title}. If you want it"
    " done, give it as an order (“{example}”).",
    choose_tool="I did nothing, because several tools serve equally: {tools}. Tell me which one, by its name.",
    choose_reading="I did nothing, because “{part}” can be understood in several ways. Use brackets or two sentences.",
    choose_text="I did nothing: I do not know whether “{part}” is part of the text or another request. Put the"
    " text in quotes.",
    which_text="I did nothing, because I do not know which the text is in “{part}”. Put it in quotes or behind"
    " a colon.",
    no_earlier="I did not do “{step}”, because I do not know which earlier result you mean.",
    read_as="I read {numbers}.",
    remembered="I cannot answer on my own, but this is the nearest that your memory has:",
    passage="> {text}",
    source="source: {source}",
    not_allowed="I did not do “{step}”, because this request does not let me call tools.",
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
