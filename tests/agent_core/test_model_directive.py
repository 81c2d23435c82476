import time

import pytest
from agent_core.model_directive import choose_model

GPT, GEMINI, NOVA = "gpt-4o", "gemini-pro", "bedrock-nova-pro"
DEFAULT = "the-default"

DIRECTIVES = [
    # at the start, an order and a pause
    ("usa gemini, multiplica 7 por 8", GEMINI, "multiplica 7 por 8"),
    ("Usa Gemini: multiplica 7 por 8", GEMINI, "multiplica 7 por 8"),
    ("USA GEMINI, MULTIPLICA 7 POR 8", GEMINI, "MULTIPLICA 7 POR 8"),
    ("usa gemini. Multiplica 7 por 8.", GEMINI, "Multiplica 7 por 8."),
    ("usa gemini\nmultiplica 7 por 8", GEMINI, "multiplica 7 por 8"),
    ("  usa   gemini ,  multiplica 7 por 8  ", GEMINI, "multiplica 7 por 8"),
    ("usa gemini - suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("usa el modelo gemini, suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("use the gemini model, add 1 and 2", GEMINI, "add 1 and 2"),
    ("use gemini, add 1 and 2", GEMINI, "add 1 and 2"),
    ("utiliza gemini, suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("¡Usa gemini! Suma 1 y 2", GEMINI, "¡Suma 1 y 2"),
    ("usa gemini, por favor, suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("por favor usa gemini, suma 1 y 2", GEMINI, "por favor suma 1 y 2"),
    ("hola, usa gemini, suma 1 y 2", GEMINI, "hola, suma 1 y 2"),
    ("Hi! Please use gemini, add 1 and 2", GEMINI, "Hi! Please add 1 and 2"),
    # at the start, without a pause
    ("usa gemini multiplica 7 por 8", GEMINI, "multiplica 7 por 8"),
    ("use gemini multiply 7 by 8", GEMINI, "multiply 7 by 8"),
    ("use gemini to multiply 7 by 8", GEMINI, "multiply 7 by 8"),
    ("usa gemini para multiplicar 7 por 8", GEMINI, "multiplicar 7 por 8"),
    ("usa gemini y multiplica 7 por 8", GEMINI, "multiplica 7 por 8"),
    ("usa gemini ¿cuánto es 7 por 8?", GEMINI, "¿cuánto es 7 por 8?"),
    ("use gemini what is 7 times 8?", GEMINI, "what is 7 times 8?"),
    ("con gemini suma 2 y 3", GEMINI, "suma 2 y 3"),
    # con, with, using
    ("con gpt-4o, suma 2 y 3", GPT, "suma 2 y 3"),
    ("con gpt-4o, ¿cuál es la capital de Francia?", GPT, "¿cuál es la capital de Francia?"),
    ("with gpt-4, add 2 and 3", GPT, "add 2 and 3"),
    ("using bedrock, add 2 and 3", NOVA, "add 2 and 3"),
    ("usando nova, suma 2 y 3", NOVA, "suma 2 y 3"),
    ("con google, suma 2 y 3", GEMINI, "suma 2 y 3"),
    ("with aws, add 2 and 3", NOVA, "add 2 and 3"),
    # every name
    ("usa openai, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa gpt, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa GPT-4, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa gpt 4, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa gpt-4o, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa GPT4o, suma 1 y 2", GPT, "suma 1 y 2"),
    ("usa google, suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("usa gemini-pro, suma 1 y 2", GEMINI, "suma 1 y 2"),
    ("usa bedrock, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa nova, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa AWS, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa Amazon, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa amazon nova, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa bedrock-nova-pro, suma 1 y 2", NOVA, "suma 1 y 2"),
    ("usa offline, suma 1 y 2", "offline", "suma 1 y 2"),
    ("use ollama, add 1 and 2", "ollama", "add 1 and 2"),
    # a clause of its own
    ("suma 2 y 3, usa gemini", GEMINI, "suma 2 y 3"),
    ("Suma 2 y 3. Usa gemini.", GEMINI, "Suma 2 y 3."),
    ("suma 2 y 3 (usa gemini)", GEMINI, "suma 2 y 3"),
    ("add 2 and 3, use gpt, then double it", GPT, "add 2 and 3, then double it"),
    ("suma 2 y 3, usando gemini", GEMINI, "suma 2 y 3"),
    # at the end of a task
    ("suma 2 y 3 usando gemini", GEMINI, "suma 2 y 3"),
    ("add 2 and 3 using bedrock", NOVA, "add 2 and 3"),
    ("add 2 and 3 using bedrock.", NOVA, "add 2 and 3"),
    ("multiplica 7 por 8 con gemini", GEMINI, "multiplica 7 por 8"),
    ("multiply 7 by 8 with gpt-4o please", GPT, "multiply 7 by 8"),
    ("suma 2 y 3 usando openai", GPT, "suma 2 y 3"),
    ("¿cuánto es 2 más 3 usando gemini?", GEMINI, "¿cuánto es 2 más 3?"),
    ("what is 2 plus 3 using gemini?", GEMINI, "what is 2 plus 3?"),
    # other alphabets and accents beside it
    ("usa gemini, convierte «ñandú 🐦 ÀÉ» a mayúsculas", GEMINI, "convierte «ñandú 🐦 ÀÉ» a mayúsculas"),
]

MENTIONS = [
    "¿qué es AWS?",
    "What is AWS?",
    "qué es gemini",
    "háblame de OpenAI",
    "compara OpenAI con Google",
    "compara gpt-4o con gemini",
    "compare GPT with Gemini",
    "trabajo con AWS",
    "I work with Google",
    "suma 2 con 3",
    "add 2 with 3",
    "¿Cómo inicio sesión con Google?",
    "how do I log in using google?",
    "explain how to deploy with bedrock",
    "explica cómo desplegar usando bedrock",
    "escribe un tutorial usando gemini",
    "usa google maps para llegar",
    "Use Google Translate to translate hola",
    "use aws lambda to run this",
    "usa amazon prime",
    "con AWS puedo desplegar",
    "With AWS, what can I do?",
    "con google, ¿cómo busco imágenes?",
    "¿Usa Google cookies?",
    "¿Usa AWS, Google o Azure?",
    "does my bank use AWS?",
    "Usa Google, Amazon y Microsoft para entrenar",
    "USA, Google y AWS",
    "no uses gemini, suma 2 y 3",
    "don't use gemini, add 2 and 3",
    "la empresa usa gemini, suma 2 y 3",
    "traduce: trabajo con gemini",
    "repite la frase: usa gemini",
    'traduce "usa gemini"',
    "traduce al inglés 'trabajo usando gemini'",
    "cuenta las palabras de «suma con gemini»",
    "convierte a mayúsculas: hola, usa gemini, adiós",
    '"usa gemini, suma 1 y 2"',
    "usa gpt-4o-mini, suma 1 y 2",
    "usa gpt-4.1, suma 1 y 2",
    "usa gpt-5, suma 1 y 2",
    "usa gemini/pro, suma 1 y 2",
    "usa geminis, suma 1 y 2",
    "usa novato, suma 1 y 2",
    "usa una supernova, suma 1 y 2",
    "reusa gemini, suma 1 y 2",
    "usa claude, suma 1 y 2",
    "usa la calculadora, suma 1 y 2",
    "use the tools, add 1 and 2",
    "suma 10 y 5",
    "con calma, suma 1 y 2",
    "busca vuelos a Nova York",
    "usa",
    "",
    "   ",
    "🙂" * 50,
]


@pytest.mark.parametrize(("prompt", "model", "rest"), DIRECTIVES)
def test_a_directive_selects_and_is_cut_out(prompt: str, model: str, rest: str):
    choice = choose_model(None, prompt, DEFAULT)
    assert (choice.model, choice.text) == (model, rest)


@pytest.mark.parametrize("prompt", MENTIONS)
def test_a_mention_selects_nothing_and_is_left_alone(prompt: str):
    choice = choose_model(None, prompt, DEFAULT)
    assert (choice.model, choice.text) == (DEFAULT, prompt)


def test_the_body_beats_the_prompt_whose_directive_is_cut_all_the_same():
    choice = choose_model("gpt-4o", "usa gemini, multiplica 7 por 8", DEFAULT)
    assert (choice.model, choice.text) == ("gpt-4o", "multiplica 7 por 8")


def test_nothing_but_a_directive_selects_and_stays_for_the_model_to_answer():
    choice = choose_model(None, "usa gemini", DEFAULT)
    assert (choice.model, choice.text) == (GEMINI, "usa gemini")


@pytest.mark.parametrize(
    "piece", ["usa gemini ", "con gpt, ", ", usa ", ", usa gemini x", "a: ", "¿", "suma 1 y 2 ", " \n"]
)
def test_the_time_grows_with_the_length_alone(piece: str):
    prompt = piece * (32_000 // len(piece))
    began = time.process_time()
    choose_model(None, prompt, DEFAULT)
    assert time.process_time() - began < 0.5
