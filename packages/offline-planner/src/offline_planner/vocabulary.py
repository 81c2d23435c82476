"""The Spanish and English words that the planner knows, by what they mean.

It is a table of language, not of tools: a tool belongs to a concept because its own name uses one of these words.
A Spanish verb is written as its infinitive, with its stressed stem after a slash where that differs (`contar/cuent`),
and irregular forms after a colon each (`hacer:haz`). Nouns are given in the singular; their plurals are made.
"""

from __future__ import annotations

from .folding import word_set

VERBS: dict[str, tuple[str, str]] = {
    # concept: Spanish, English
    "add": ("sumar adicionar", "add sum total"),
    "put_in": ("añadir agregar", ""),
    "subtract": ("restar sustraer/sustray quitar descontar/descuent", "subtract deduct"),
    "multiply": ("multiplicar", "multiply"),
    "divide": ("dividir", "divide"),
    "power": ("elevar", "raise"),
    "double": ("duplicar doblar/dobl", "double"),
    "triple": ("triplicar", "triple treble"),
    "halve": ("", "halve"),
    "calculate": ("calcular computar evaluar resolver/resuelv efectuar", "calculate compute evaluate solve work_out"),
    "convert": ("convertir/conviert transformar pasar cambiar", "convert turn change transform"),
    "put": ("poner/pon:pon escribir dejar devolver/devuelv", "put make write render print"),
    "uppercase": ("mayusculizar", "uppercase capitalize_all"),
    "lowercase": ("minusculizar", "lowercase"),
    "titlecase": ("", "titlecase"),
    "reverse": ("invertir/inviert voltear", "reverse invert flip"),
    "count": ("contar/cuent", "count"),
    "get": ("obtener/obten:obten traer/traig:trae dar:da:de conseguir/consigu", "get fetch retrieve give obtain grab"),
    "query": ("consultar", "query consult check"),
    "list": ("listar enumerar", "list enumerate"),
    "show": ("mostrar/muestr enseñar ver:ve", "show display see"),
    "search": ("buscar encontrar/encuentr localizar", "search find look_up lookup locate look_for"),
    "recall": ("recuperar", "recall"),
    "read": ("leer/le", "read"),
    "remind": ("recuerdame recuerdanos recordarme", "remind"),
    "tell": ("decir:di:dime:diga", "tell"),
    "create": ("crear registrar insertar abrir/abr incorporar", "create register insert open"),
    "hire": ("dar_de_alta contratar", "hire"),
    "delete": ("borrar eliminar suprimir", "delete remove erase"),
    "save": (
        "memorizar guardar almacenar recordar/recuerd apuntar anotar",
        "memorize memorise save store remember note keep",
    ),
    "write": ("escribir", "write"),
    "update": ("actualizar editar modificar", "update edit modify"),
    "send": ("enviar/envi mandar remitir", "send email"),
    "move": ("mover/muev renombrar", "move rename"),
    "copy": ("copiar", "copy"),
    "set": ("ajustar fijar configurar", "set configure adjust"),
    "run": ("ejecutar", "run execute"),
    "cancel": ("cancelar anular", "cancel"),
    "close": ("cerrar/cierr", "close"),
    "start": ("iniciar arrancar empezar/empiez", "start begin"),
    "stop": ("parar detener/detien", "stop halt"),
    "buy": ("comprar", "buy purchase"),
    "pay": ("pagar", "pay"),
    "translate": ("traducir/traduzc", "translate"),
    "summarize": ("resumir", "summarize summarise"),
    "use": ("usar utilizar llamar emplear aplicar", "use call invoke apply"),
    "increase": ("incrementar aumentar", "increase"),
    "turn_on": ("encender/enciend", "turn_on switch_on"),
    "turn_off": ("apagar", "turn_off switch_off"),
    "schedule": ("agendar programar", "schedule"),
    "play": ("reproducir/reproduzc", "play"),
    "publish": ("publicar", "publish post"),
    "upload": ("subir", "upload"),
    "download": ("descargar", "download"),
    "round": ("redondear", "round"),
}

NOUNS: dict[str, tuple[str, str]] = {
    "sum": ("suma adicion sumatoria", "sum addition"),
    "product": ("producto multiplicacion", "product multiplication"),
    "difference": ("diferencia resta", "difference subtraction"),
    "quotient": ("cociente division", "quotient division"),
    "number": ("numero cifra cantidad valor", "number figure amount value integer"),
    "result": ("resultado", "result outcome"),
    "operation": ("operacion cuenta calculo expresion", "operation calculation expression"),
    "upper": ("mayuscula", "uppercase upper uppercased caps capitals allcaps"),
    "lower": ("minuscula", "lowercase lower"),
    "title_case": ("", "titlecase"),
    "backwards": ("reves", "backwards reversed"),
    "word": ("palabra", "word"),
    "character": ("letra caracter", "letter character"),
    "line": ("linea renglon", "line"),
    "sentence": ("oracion", "sentence"),
    "text": ("texto frase cadena", "text phrase string"),
    "employee": ("empleado empleada trabajador trabajadora plantilla", "employee worker staff"),
    "company": ("empresa compañia", "company firm"),
    "customer": ("cliente clienta", "customer client"),
    "document": ("documento", "document doc"),
    "file": ("archivo fichero", "file"),
    "directory": ("directorio carpeta", "directory folder"),
    "memory": ("memoria", "memory"),
    "information": ("informacion dato", "information info data detail"),
    "department": ("departamento area", "department"),
    "salary": ("salario sueldo", "salary"),
    "position": ("puesto cargo", "position role job"),
    "email": ("correo email mail", "email mail"),
    "phone": ("telefono", "phone telephone"),
    "name": ("nombre", "name"),
    "title": ("titulo", "title"),
    "subject": ("asunto", "subject"),
    "body": ("cuerpo", "body"),
    "content": ("contenido", "content"),
    "message": ("mensaje", "message"),
    "source": ("fuente", "source"),
    "question": ("pregunta", "question query"),
    "priority": ("prioridad", "priority"),
    "issue": ("incidencia", "issue"),
    "ticket": ("ticket", "ticket"),
    "task": ("tarea", "task todo"),
    "event": ("evento", "event"),
    "meeting": ("reunion", "meeting"),
    "weather": ("tiempo clima", "weather"),
    "time": ("hora", "time"),
    "date": ("fecha", "date"),
    "timezone": ("", "timezone"),
    "web": ("web internet", "web internet"),
    "page": ("pagina", "page"),
    "city": ("ciudad", "city"),
    "country": ("pais", "country"),
    "place": ("lugar ubicacion", "place location"),
    "user": ("usuario usuaria", "user"),
    "path": ("ruta", "path"),
    "address": ("direccion", "address"),
    "pattern": ("patron", "pattern"),
    "limit": ("limite maximo", "limit maximum"),
    "lamp": ("lampara luz", "lamp light"),
    "level": ("nivel", "level"),
    "color": ("color", "color colour"),
    "currency": (
        "moneda divisa euro dolar peso libra yen usd eur gbp mxn jpy",
        "currency euro dollar usd eur gbp mxn jpy pound",
    ),
    "order": ("pedido", "order"),
    "invoice": ("factura", "invoice"),
    "note": ("nota", "note"),
    "table": ("tabla", "table"),
    "repository": ("repositorio", "repository repo"),
    "branch": ("rama", "branch"),
    "comment": ("comentario", "comment"),
    "image": ("imagen", "image picture"),
    "account": ("cuenta", "account"),
    "list_noun": ("lista listado", "list listing"),
    "context": ("contexto", "context"),
    "tool": ("herramienta funcion", "tool function"),
    "id": ("id identificador", "id identifier"),
    "all": ("todos todas", "all every"),
    "command": ("comando", "command"),
    "channel": ("canal", "channel"),
    "graph": ("grafo", "graph"),
    "entity": ("entidad", "entity"),
    "high": ("alto alta", "high"),
    "low": ("bajo baja", "low"),
    "medium": ("medio media", "medium"),
    "red": ("rojo roja", "red"),
    "blue": ("azul", "blue"),
    "green": ("verde", "green"),
    "white": ("blanco blanca", "white"),
    "black": ("negro negra", "black"),
    "yellow": ("amarillo amarilla", "yellow"),
}

# Several words that mean one thing, written as one.
PHRASES = (
    "upper case=uppercase|upper-case=uppercase|capital letters=uppercase|all caps=uppercase|all capitals=uppercase"
    "|letras mayusculas=mayusculas|letra mayuscula=mayusculas|lower case=lowercase|lower-case=lowercase"
    "|small letters=lowercase|letras minusculas=minusculas|title case=titlecase|al reves=reves|del reves=reves"
    "|look up=look_up|look for=look_for|work out=work_out|turn on=turn_on|turn off=turn_off|switch on=switch_on"
    "|switch off=switch_off|por ciento=percent|per cent=percent|da de alta=dar_de_alta|dar de alta=dar_de_alta"
    "|de de alta=dar_de_alta|des de alta=dar_de_alta|dad de alta=dar_de_alta|word count=word_count"
    "|correo electronico=correo|e-mail=email|por favor=please|thank you=thanks|muchas gracias=gracias|thanks a"
    " lot=thanks"
    "|thank you very much=thanks|muchisimas gracias=gracias|many thanks=thanks"
    "|buenos dias=hola|buenas tardes=hola|buenas noches=hola|good morning=hello|good afternoon=hello"
    "|good evening=hello|hey there=hello|hello there=hello|hi there=hello|que tal=hola|si puedes=please"
    "|if you can=please|cuando puedas=please|when you can=please|if you please=please|if possible=please"
    "|si es posible=please|si eres tan amable=please|a ver=oye|for me=please"
    "|in total=together|en total=together|all together=together|entre si=together"
)

COURTESIES = word_set(
    "plz hola oye oiga bien vale ok okay buenas porfa porfavor please thanks gracias hello hi hey kindly pues bueno"
    " venga simplemente solo just simply amablemente saludos thx pls porfis holi"
)  # fmt: skip
NOW = word_set("ahora now tambien also ademas entonces then luego despues next")

FUNCTION_WORDS = {
    "es": "el la los las un una unos unas de del al a en con para que se su sus mi mis tu tus es son esta estan este"
    " estos esto ese esa eso lo le les me te nos como si no ya muy hasta desde sobre cuando donde puedes podrias puede"
    " quiero quisiera necesito y o cuanto cuantos cuantas cual cuales quien hay tiene tienen por favor luego despues"
    " entonces primero hola gracias oye ayer porque pero sin nunca jamas menos mas veces entre resultado cuanta mil"
    " millones millon medio docenas docena ciento uno dos tres cuatro cinco seis siete ocho nueve diez doce veinte"
    " treinta cuarenta cincuenta sesenta cien quien eres ayuda llamado llamada doble triple mitad sabes hacer dime",
    "en": "the an of in into to for with from by on at is are be was were this these those that my your our their his"
    " her its it do does did don't have has had can could would will you we us as if not so which where when need want"
    " like should following what what's how many much who and or then first please thanks thank hello hi hey after"
    " before never than times plus minus over million thousand half dozen one two three four five six seven eight nine"
    " ten twenty thirty hundred are named called twice squared result help make tell percent",
}
