from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from xmlrpc.client import Fault, dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.app import from_environment
from mcp_toolbox.errors import InvalidArgumentsError, ToolFailedError
from mcp_toolbox.packs.odoo.wire import parsed
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.testing import FakeOdoo
from service_kit.settings import SettingsError, load

ACCESS = {"ODOO_DB": "main", "ODOO_USER": "bot@example.com", "ODOO_PASSWORD": "api-key"}


@asynccontextmanager
async def connected(url: str, **environ: str) -> AsyncIterator[ToolRegistry]:
    registry = ToolRegistry()
    settings = load(ToolboxSettings, {"TOOL_PACKS": "odoo", "ODOO_URL": url, **ACCESS, **environ})
    async with opened_packs(settings, registry):
        yield registry


async def ask(registry: ToolRegistry, nombre: str = "ana g") -> ToolResult:
    return await registry.call("obtener_cliente", {"nombre": nombre})


async def test_a_customer_is_found_by_part_of_the_name():
    async with FakeOdoo().running() as url, connected(url) as registry:
        answer = await ask(registry)
    assert answer.structured == {
        "result": [
            {"nombre": "Ana Gómez", "correo": "ana@example.com", "telefono": "+34 600 000 001", "ciudad": "Zaragoza",
             "pais": "Spain"}
        ]
    }  # fmt: skip


async def test_what_odoo_does_not_know_is_null():
    async with FakeOdoo().running() as url, connected(url) as registry:
        answer = await ask(registry, "Azul")
    assert answer.structured is not None
    assert answer.structured["result"] == [
        {"nombre": "Azul 100% Natural", "correo": None, "telefono": None, "ciudad": None, "pais": None}
    ]


@pytest.mark.parametrize(
    ("nombre", "names"), [("100%", ["Azul 100% Natural"]), ("& Ana <H", ["Luis & Ana <Hermanos>"])]
)
async def test_a_name_is_taken_as_it_is_written(nombre: str, names: list[str]):
    async with FakeOdoo().running() as url, connected(url) as registry:
        answer = await ask(registry, nombre)
    assert answer.structured is not None, answer.text
    assert [one["nombre"] for one in answer.structured["result"]] == names


@pytest.mark.parametrize("nombre", ["Nadie", "%", "A_a", "\\", "]]></value>", "漢字"])
async def test_nobody_of_that_name_is_a_failure(nombre: str):
    odoo = FakeOdoo(partners=[one for one in FakeOdoo().partners if one["id"] == 7])
    async with odoo.running() as url, connected(url) as registry:
        answer = await ask(registry, nombre)
    assert (answer.is_error, nombre in answer.text) == (True, True)


async def test_it_logs_in_once_and_again_when_it_is_refused():
    odoo = FakeOdoo()
    async with odoo.running() as url, connected(url) as registry:
        await asyncio.gather(*(ask(registry) for _ in range(5)))
        assert odoo.logins == 1
        odoo.uid = 99  # the user was made anew
        answers = await asyncio.gather(*(ask(registry) for _ in range(5)))
        assert not any(answer.is_error for answer in answers)
        assert odoo.logins == 2
        odoo.password = "another"
        assert "ODOO_PASSWORD" in (await ask(registry)).text
        odoo.password = "api-key"
        assert not (await ask(registry)).is_error


@pytest.mark.parametrize(
    ("environ", "odoo", "words"),
    [
        ({"ODOO_PASSWORD": "wrong-word"}, FakeOdoo(), "ODOO_USER y ODOO_PASSWORD"),
        ({"ODOO_USER": "nobody"}, FakeOdoo(), "ODOO_USER y ODOO_PASSWORD"),
        ({"ODOO_DB": "other"}, FakeOdoo(), "ODOO_DB"),
        ({}, FakeOdoo(forbidden=True), "permiso"),
        ({"ODOO_TIMEOUT_SECONDS": "0.2"}, FakeOdoo(seconds=5), "0.2 s"),
        ({}, FakeOdoo(raw=b"<html>not found</html>", status=404), "404"),
        ({}, FakeOdoo(raw=b"oops", status=500), "500"),
        ({}, FakeOdoo(raw=b"<html>a login page</html>"), "no es un Odoo"),
        ({}, FakeOdoo(raw=b""), "no es un Odoo"),
        ({}, FakeOdoo(raw=b"\x00\xff\xfe"), "no es un Odoo"),
        ({}, FakeOdoo(raw=b"x" * (3 * 1024 * 1024)), "demasiado grande"),
        ({}, FakeOdoo(raw=dumps(Fault(1, "Traceback: internal-secret"), methodresponse=True).encode()), "no pudo"),
        ({}, FakeOdoo(raw=dumps(("no number",), methodresponse=True).encode()), "ODOO_USER"),
        ({}, FakeOdoo(raw=dumps((5,), methodresponse=True).encode()), "no es un Odoo"),
    ],
)
async def test_what_is_wrong_is_said(environ: dict[str, str], odoo: FakeOdoo, words: str):
    async with odoo.running() as url, connected(url, **environ) as registry:
        answer = await ask(registry)
    assert answer.is_error
    assert words in answer.text
    assert "secret" not in answer.text
    assert "wrong-word" not in answer.text


async def test_an_odoo_that_is_down_comes_back():
    odoo = FakeOdoo()
    async with odoo.running() as url:
        port = int(url.rpartition(":")[2])
    async with connected(url) as registry:
        away = await ask(registry)
        assert (away.is_error, "No se puede hablar con Odoo" in away.text) == (True, True)
        async with odoo.running(port=port):
            assert not (await ask(registry)).is_error


@pytest.mark.parametrize("nombre", ["", " ", "a\x00", "n" * 121, 5, None])
async def test_what_is_no_name_is_refused(nombre: Any):
    async with connected("http://127.0.0.1:9") as registry:
        with pytest.raises(InvalidArgumentsError, match="nombre"):
            await registry.call("obtener_cliente", {"nombre": nombre})


@pytest.mark.parametrize("missing", ["ODOO_URL", "ODOO_DB", "ODOO_USER", "ODOO_PASSWORD"])
def test_a_variable_that_is_missing_stops_the_start(missing: str):
    environ = {"TOOL_PACKS": "odoo", "ODOO_URL": "http://127.0.0.1:8069", **ACCESS}
    with pytest.raises(SettingsError, match=rf"TOOL_PACKS has odoo, which needs {missing}$"):
        from_environment({name: value for name, value in environ.items() if name != missing})


def test_entities_are_refused():
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'
    answer = (
        dumps(("x",), methodresponse=True).encode().replace(b"<?xml version='1.0'?>", bomb).replace(b">x<", b">&b;<")
    )
    with pytest.raises(ToolFailedError):
        parsed(answer)
    assert parsed(dumps(("x",), methodresponse=True).encode()) == "x"


def test_an_answer_that_is_cut_anywhere_is_refused():
    whole = (
        dumps(([{"name": "Ana", "country_id": [68, "Spain"], "city": False}],), methodresponse=True).encode().strip()
    )
    for end in range(len(whole)):
        with pytest.raises(ToolFailedError):
            parsed(whole[:end])
    assert parsed(whole)[0]["name"] == "Ana"


@given(st.binary(max_size=300))
def test_garbage_is_refused(answer: bytes):
    with pytest.raises(ToolFailedError):
        parsed(answer)


@pytest.mark.parametrize(
    "value",
    [b"<int>x</int>", b"<double>x</double>", b"<boolean>7</boolean>", b"<dateTime.iso8601>x</dateTime.iso8601>",
     b"<base64>\xc3\xb1!</base64>", b"<struct><member><value>1</value></member></struct>", b"<strange>1</strange>",
     b"</value></param><param><value>"],
)  # fmt: skip
def test_values_that_are_not_what_they_say_are_refused(value: bytes):
    head, tail = (
        b"<?xml version='1.0'?><methodResponse><params><param><value>",
        b"</value></param></params></methodResponse>",
    )
    with pytest.raises(ToolFailedError):
        parsed(head + value + tail)
