"""What people ask tools to do, as concepts with their Spanish and English words.

This is a table of language, not of tools: a tool belongs to a concept because its own name or description uses
one of these words. A Spanish verb is written as its infinitive, with its stressed stem after a slash where that
differs (`contar/cuent`); inflections are made by `inflection`.
"""

from __future__ import annotations

from typing import NamedTuple


class Concept(NamedTuple):
    """One row. `weight` says how much the concept tells about a request (0 to 1); `operation` marks arithmetic."""

    name: str
    weight: float
    verbs_es: str = ""
    verbs_en: str = ""
    words_es: str = ""
    words_en: str = ""
    operation: bool = False


CONCEPTS = (
    # arithmetic
    Concept("add", 0.8, "sumar añadir agregar adicionar", "add sum", "suma sumatoria adicion", "addition", True),
    Concept("subtract", 0.8, "restar sustraer", "subtract deduct", "resta sustraccion diferencia",
            "subtraction difference", True),
    Concept("multiply", 0.8, "multiplicar", "multiply", "multiplicacion producto", "multiplication product", True),
    Concept("divide", 0.8, "dividir", "divide", "division cociente", "division quotient", True),
    Concept("power", 0.8, "elevar potenciar", "exponentiate", "potencia exponente", "power pow exponent", True),
    Concept("modulo", 0.8, "", "", "modulo residuo", "modulo mod remainder", True),
    Concept("maximum", 0.8, "", "", "maximo mayor", "maximum max largest greatest biggest"),
    Concept("minimum", 0.8, "", "", "minimo menor", "minimum min smallest lowest"),
    Concept("average", 0.8, "promediar", "average", "promedio media", "mean"),
    Concept("root", 0.8, "", "", "raiz raices", "root sqrt"),
    Concept("factorial", 0.8, "", "", "factorial", "factorial"),
    Concept("round", 0.8, "redondear", "round", "redondeo", "rounding"),
    Concept("percentage", 0.7, "", "", "porcentaje", "percent percentage"),
    Concept("calculate", 0.35, "calcular evaluar computar", "calculate compute evaluate calc", "calculo calculadora",
            "calculation calculator math"),
    Concept("expression", 0.2, "", "", "expresion formula ecuacion operacion", "expression formula equation operation"),
    Concept("number", 0.1, "", "", "numero cifra", "number digit integer"),
    # text
    Concept("uppercase", 0.9, "capitalizar", "uppercase", "mayuscula", "upper caps capitals allcaps"),
    Concept("lowercase", 0.9, "", "lowercase", "minuscula", "lower"),
    Concept("titlecase", 0.9, "", "titlecase capitalize capitalise", "", ""),
    Concept("reverse", 0.8, "invertir/inviert voltear revertir/reviert", "reverse flip invert",
            "reves inverso", "backwards"),
    Concept("count", 0.6, "contar/cuent contabilizar", "count tally", "conteo recuento cuantos cuantas", "counter"),
    Concept("length", 0.7, "", "", "longitud largo tamano", "length size long len"),
    Concept("word", 0.5, "", "", "palabra vocablo", "word"),
    Concept("character", 0.5, "", "", "letra caracter caracteres", "letter character char"),
    Concept("line", 0.5, "", "", "linea renglon", "line"),
    Concept("sentence", 0.5, "", "", "oracion", "sentence"),
    Concept("vowel", 0.5, "", "", "vocal vocales", "vowel"),
    Concept("concatenate", 0.8, "concatenar unir juntar", "concatenate join merge concat", "concatenacion",
            "concatenation"),
    Concept("replace", 0.8, "reemplazar sustituir/sustituy remplazar", "replace substitute", "reemplazo",
            "replacement"),
    Concept("split", 0.8, "separar partir", "split", "", ""),
    Concept("repeat", 0.7, "repetir/repit", "repeat", "repeticion", "repetition"),
    Concept("translate", 0.9, "traducir/traduzc", "translate", "traduccion traductor", "translation translator"),
    Concept("summarize", 0.9, "resumir sintetizar", "summarize summarise", "resumen sintesis", "summary"),
    Concept("explain", 0.7, "explicar describir", "explain describe", "explicacion", "explanation"),
    Concept("write", 0.6, "escribir redactar", "write compose draft", "redaccion", "writing"),
    Concept("text", 0.1, "", "", "texto frase cadena contenido", "text string phrase content"),
    Concept("convert", 0.2, "convertir/conviert pasar transformar cambiar poner/pong pon hacer/hag haz volver/vuelv",
            "convert transform turn change make put", "conversion", "conversion converter"),
    Concept("extract", 0.6, "extraer/extraig", "extract", "extraccion", "extraction"),
    Concept("validate", 0.7, "validar comprobar/comprueb verificar", "validate verify check", "validacion",
            "validation"),
    # data
    Concept("search", 0.55, "buscar encontrar/encuentr localizar", "search find look lookup query locate seek",
            "busqueda buscador", "finder"),
    Concept("consult", 0.45, "consultar obtener/obtien obten recuperar leer averiguar",
            "get fetch retrieve read consult obtain",
            "consulta", "getter"),
    Concept("show", 0.2, "mostrar/muestr decir/dig di dar/d enseñar", "show tell give display", "", ""),
    Concept("list", 0.55, "listar enumerar", "list enumerate", "lista listado", ""),
    Concept("save", 0.7, "guardar memorizar recordar/recuerd almacenar anotar apuntar registrar grabar",
            "save store remember memorize memorise record keep", "memoria registro", "memory"),
    Concept("delete", 0.8, "borrar eliminar quitar olvidar", "delete remove erase forget clear drop",
            "borrado", "deletion"),
    Concept("create", 0.7, "crear generar construir/construy", "create generate build new",
            "creacion nuevo nueva", "creation"),
    Concept("update", 0.7, "actualizar modificar editar", "update modify edit", "actualizacion", ""),
    Concept("send", 0.8, "enviar mandar", "send", "envio", ""),
    Concept("open", 0.6, "abrir", "open", "", ""),
    Concept("close", 0.6, "cerrar/cierr", "close", "", ""),
    Concept("start", 0.6, "iniciar empezar/empiez comenzar/comienz arrancar ejecutar",
            "start begin launch run execute", "", ""),
    Concept("stop", 0.6, "parar detener/detien apagar", "stop halt", "", ""),
    Concept("book", 0.6, "reservar", "book reserve", "reserva", "booking reservation"),
    Concept("buy", 0.6, "comprar pagar", "buy purchase pay", "compra pago", "payment"),
    Concept("sort", 0.8, "ordenar", "sort", "", ""),
    Concept("compare", 0.7, "comparar", "compare", "comparacion", "comparison"),
    Concept("random", 0.7, "sortear", "", "aleatorio aleatoria azar dado", "random dice"),
    Concept("information", 0.1, "", "", "informacion dato datos detalle", "information info data detail"),
    # things
    Concept("employee", 0.7, "", "", "empleado empleada trabajador trabajadora", "employee worker staff"),
    Concept("company", 0.7, "", "", "empresa compañia negocio", "company companies business firm"),
    Concept("customer", 0.7, "", "", "cliente", "customer client"),
    Concept("user", 0.5, "", "", "usuario usuaria", "user"),
    Concept("person", 0.4, "", "", "persona", "person people"),
    Concept("product", 0.5, "", "", "producto articulo", "product item"),
    Concept("order", 0.5, "", "", "pedido", "order"),
    Concept("invoice", 0.7, "", "", "factura", "invoice bill"),
    Concept("price", 0.6, "", "", "precio costo coste", "price cost"),
    Concept("currency", 0.7, "", "", "moneda divisa dolar dolares euro peso libra yen",
            "currency currencies money dollar pound euro"),
    Concept("task", 0.7, "", "", "tarea pendiente", "task todo"),
    Concept("note", 0.6, "", "", "nota apunte", "note"),
    Concept("event", 0.6, "", "", "evento cita reunion", "event appointment meeting"),
    Concept("email", 0.7, "", "", "correo", "email mail"),
    Concept("message", 0.5, "", "", "mensaje", "message"),
    Concept("file", 0.6, "", "", "archivo fichero documento", "file document"),
    Concept("weather", 0.8, "", "", "clima meteorologia pronostico", "weather forecast"),
    Concept("temperature", 0.7, "", "", "temperatura grados celsius fahrenheit",
            "temperature degrees celsius fahrenheit"),
    Concept("time", 0.7, "", "", "hora reloj", "time clock"),
    Concept("date", 0.6, "", "", "fecha dia", "date day today"),
    Concept("age", 0.5, "", "", "edad", "age"),
    Concept("city", 0.4, "", "", "ciudad", "city cities town"),
    Concept("country", 0.4, "", "", "pais", "country countries"),
    Concept("color", 0.5, "", "", "color", "color colour"),
    Concept("language", 0.4, "", "", "idioma lengua", "language"),
    Concept("web", 0.5, "", "", "web pagina internet", "web website page url internet"),
)  # fmt: skip

WEIGHTS = {row.name: row.weight for row in CONCEPTS}
OPERATIONS = frozenset(row.name for row in CONCEPTS if row.operation)

# ISO 4217, those that people name most.
CURRENCY_CODES = "usd eur gbp jpy mxn ars clp cop pen brl uyu bob cad aud nzd chf cny inr krw sek nok dkk pln try zar"

# Concepts of one group exclude one another: a tool that counts words does not count letters.
GROUPS = (
    frozenset({"word", "character", "line", "sentence", "vowel"}),
    frozenset({"uppercase", "lowercase", "titlecase"}),
    frozenset({"add", "subtract", "multiply", "divide", "power", "modulo"}),
    frozenset({"maximum", "minimum", "average"}),
    frozenset({"save", "delete", "search", "update"}),
)

# Two words that mean something together; the meaning is one concept, or "filler" for politeness.
PHRASES = {
    ("por", "favor"): "filler", ("thank", "you"): "filler", ("buenos", "dias"): "filler",
    ("buenas", "tardes"): "filler", ("buenas", "noches"): "filler", ("good", "morning"): "filler",
    ("upper", "case"): "uppercase", ("capital", "letters"): "uppercase", ("all", "caps"): "uppercase",
    ("letras", "mayusculas"): "uppercase", ("letra", "mayuscula"): "uppercase",
    ("lower", "case"): "lowercase", ("small", "letters"): "lowercase",
    ("letras", "minusculas"): "lowercase", ("letra", "minuscula"): "lowercase",
    ("title", "case"): "titlecase", ("al", "reves"): "reverse", ("la", "vuelta"): "reverse",
    ("how", "many"): "count", ("number", "of"): "count", ("cantidad", "de"): "count", ("numero", "de"): "count",
    ("how", "long"): "length", ("tiempo", "hace"): "weather", ("que", "hora"): "time",
    ("a", "continuacion"): "strong", ("por", "ultimo"): "strong", ("after", "that"): "strong",
    ("tras", "eso"): "strong", ("and", "then"): "strong", ("y", "luego"): "strong", ("y", "despues"): "strong",
    ("y", "entonces"): "strong", ("after", "which"): "strong", ("despues", "de"): "strong",
}  # fmt: skip
