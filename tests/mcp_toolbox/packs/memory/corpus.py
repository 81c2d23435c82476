# ruff: noqa: E501 - a passage a line reads better
"""The corpus on which the memory is measured: short passages in two languages, and questions about half of them in both
languages, worded differently from the passages."""

from __future__ import annotations

PASSAGES = {
    "vacaciones": "Cada empleado dispone de veintitrés días laborables de vacaciones al año. Se piden con dos semanas de "
    "antelación en el portal de personal.",
    "teletrabajo": "Se puede trabajar desde casa hasta tres días por semana, previo acuerdo con el responsable del equipo.",
    "baja": "Si estás enfermo, avisa a tu jefe antes de las nueve y envía el parte médico en un plazo de tres días.",
    "nomina": "La nómina se ingresa el penúltimo día hábil de cada mes. Las horas extra se pagan al mes siguiente.",
    "gastos": "Las dietas y los gastos de viaje se reembolsan con el ticket original y un máximo de cincuenta euros diarios "
    "para comidas.",
    "aparcamiento": "El edificio tiene cuarenta plazas de garaje en el sótano, que se reparten por sorteo cada trimestre.",
    "contrasena": "La contraseña del correo caduca a los noventa días y debe tener al menos doce caracteres.",
    "impresora": "La impresora de la segunda planta atasca el papel grueso; para imprimir a doble cara usa la bandeja dos.",
    "incendio": "En caso de incendio, baja por la escalera exterior y acude al punto de encuentro frente a la farmacia.",
    "comedor": "El comedor sirve el almuerzo de una a tres. Hay un menú vegetariano todos los días.",
    "garantia": "Nuestros electrodomésticos tienen tres años de garantía, que cubre piezas y mano de obra.",
    "devolucion": "El cliente puede devolver un pedido en treinta días y recibirá su dinero en la misma tarjeta.",
    "envio": "Los paquetes a la península tardan dos días; a Canarias y Baleares, hasta una semana.",
    "factura": "Las facturas se emiten a fin de mes y deben abonarse en un plazo de sesenta días por transferencia.",
    "proveedor": "El principal proveedor de acero es una fundición de Bilbao, con la que hay contrato hasta 2028.",
    "almacen": "El almacén central está en Zaragoza, junto a la autovía, y tiene doce mil metros cuadrados.",
    "tortilla": "Para la tortilla se fríen las patatas a fuego lento, se mezclan con los huevos batidos y se cuaja todo.",
    "gazpacho": "El gazpacho se prepara con tomate maduro, pepino, pimiento, ajo, aceite y vinagre, y se sirve muy frío.",
    "quijote": "Don Quijote de la Mancha fue escrito por Miguel de Cervantes y se publicó a comienzos del siglo XVII.",
    "aneto": "El Aneto, con 3404 metros, es la cumbre más alta de los Pirineos.",
    "ebro": "El Ebro nace en Cantabria y desemboca en el Mediterráneo formando un delta.",
    "volcan": "El volcán de La Palma entró en erupción en septiembre de 2021 y destruyó cientos de casas.",
    "perro": "El cachorro debe vacunarse contra la rabia a los tres meses y desparasitarse cada trimestre.",
    "gimnasio": "El gimnasio municipal abre de siete a veintidós horas y ofrece clases de natación para mayores.",
    "onboarding": "New colleagues get their laptop and badge from the help desk on the first morning.",
    "backup": "The databases are backed up every night at two, and copies are kept for thirty-five days.",
    "deploy": "Releases go to production on Tuesdays and Thursdays; a rollback takes about five minutes.",
    "oncall": "The engineer on call must answer an alert within fifteen minutes, at night and on weekends too.",
    "license": "The library is published under the Apache licence, so it may be used in commercial products.",
    "refund": "Subscriptions can be cancelled at any moment; the unused months are not paid back.",
    "trains": "The last train to the airport leaves the central station at half past eleven at night.",
    "museum": "The museum of natural history is closed on Mondays, and children under twelve enter for free.",
    "coffee": "The coffee machine needs to be descaled once a month with the blue tablets under the sink.",
    "bees": "A hive of honey bees may hold fifty thousand workers in summer, and only one queen.",
    "moon": "Neil Armstrong was the first person to walk on the surface of the Moon, in July 1969.",
    "penicillin": "Alexander Fleming discovered penicillin by accident when mould spoiled one of his cultures.",
    "marathon": "A marathon is a foot race of slightly more than forty-two kilometres.",
    "guitar": "A classical guitar has six nylon strings and is tuned from low E to high E.",
    "whales": "Blue whales are the largest animals that have ever lived, and they feed on tiny krill.",
    "insurance": "The travel policy covers lost luggage and medical treatment abroad up to thirty thousand euros.",
    "visitors": "Visitors sign in at reception and must wear a yellow sticker while they are in the building.",
    "recycling": "Batteries and bulbs go into the red container by the entrance, never into the ordinary rubbish.",
    "meeting": "The large meeting room on the fifth floor seats twenty people and has a projector.",
    "discount": "Orders above five hundred euros get a discount of ten percent until the end of the year.",
}  # fmt: skip

QUESTIONS = (
    ("vacaciones", "¿Cuánto descanso pagado tengo en un año?", "How many days of holiday do employees get?"),
    ("teletrabajo", "¿Me dejan trabajar en remoto?", "Am I allowed to work from home?"),
    ("baja", "¿Qué tengo que hacer si me pongo malo?", "What should I do when I am sick?"),
    ("nomina", "¿Cuándo cobro el sueldo?", "When is my salary paid?"),
    ("gastos", "¿Me devuelven lo que gasto en un viaje de trabajo?", "How are travel expenses reimbursed?"),
    ("aparcamiento", "¿Dónde puedo dejar el coche?", "Is there a place to park my car?"),
    ("contrasena", "¿Cada cuánto hay que cambiar la clave del correo?", "How long must the email password be?"),
    ("incendio", "¿Por dónde salgo si hay fuego?", "Where do we go if there is a fire?"),
    ("garantia", "Se me ha roto la lavadora, ¿la reparan gratis?", "How long is the warranty of the appliances?"),
    ("devolucion", "¿Puedo devolver lo que he comprado?", "Can a customer return an order?"),
    ("envio", "¿Cuánto tarda en llegar un paquete a las islas?", "How long does delivery take?"),
    ("almacen", "¿En qué ciudad guardamos la mercancía?", "Where is the central warehouse?"),
    ("tortilla", "¿Cómo se cocina una tortilla?", "How do I cook a potato omelette?"),
    ("quijote", "¿Quién es el autor de Don Quijote?", "Who wrote Don Quixote?"),
    ("aneto", "¿Cuál es la montaña más alta de los Pirineos?", "What is the highest mountain of the Pyrenees?"),
    ("perro", "¿Qué vacunas necesita mi perro?", "When should a puppy be vaccinated?"),
    ("backup", "¿Con qué frecuencia se hacen copias de seguridad?", "How often is the data saved to a backup?"),
    ("deploy", "¿Qué días se publican las versiones nuevas?", "When do we ship to production?"),
    ("oncall", "¿En cuánto tiempo hay que responder a una alerta?", "How fast must an alert be answered?"),
    ("trains", "¿A qué hora sale el último tren al aeropuerto?", "Until what time can I take a train to the airport?"),
    ("museum", "¿Qué día cierra el museo?", "Is the museum open on Monday?"),
    ("moon", "¿Quién fue el primero en pisar la Luna?", "Who was the first man on the Moon?"),
    ("penicillin", "¿Quién descubrió la penicilina?", "How was the first antibiotic found?"),
    ("whales", "¿Cuál es el animal más grande del mundo?", "What do the biggest animals eat?"),
    ("insurance", "¿Qué pasa si pierdo la maleta?", "Does the insurance pay for a doctor in another country?"),
    ("discount", "¿Hay alguna rebaja para pedidos grandes?", "Do large orders get a lower price?"),
)
"""The passage that answers, and how to ask for it in Spanish and in English."""

UNRELATED = (
    "¿Cuánto es 10 más 5?", "suma 10 y 5", "What is 3 times 4?", "hola, ¿qué tal?", "Convierte esto a mayúsculas: adiós",
    "¿Quién ganó el mundial de fútbol de 2010?", "Write a poem about autumn.", "¿Qué temperatura hace hoy en Lima?",
    "Explain how a transistor works.", "Traduce «butterfly» al alemán.",
)  # fmt: skip
"""Questions that no passage answers."""
