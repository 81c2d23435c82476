"""XML-RPC over HTTP, for servers whose answers are not trusted."""

from __future__ import annotations

import asyncio
from typing import Any
from xml.parsers import expat
from xmlrpc.client import Fault, ResponseError, Unmarshaller, dumps

import httpx2

from mcp_toolbox.errors import ToolFailedError

MOST_BYTES = 2 * 1024 * 1024


class XmlRpc:
    """Calls methods at paths of one server; each call is limited to `seconds` in total."""

    def __init__(self, client: httpx2.AsyncClient, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    async def call(self, path: str, method: str, *arguments: Any) -> Any:
        """Calls a method and returns its result.

        Raises:
            xmlrpc.client.Fault: the method failed; the fault has the server's own code and text.
            ToolFailedError: the server is away, slow, or does not speak XML-RPC.
        """
        body = dumps(arguments, method).encode()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._post(path, body)
        except (TimeoutError, httpx2.TimeoutException):
            raise ToolFailedError(f"Odoo no respondió en {self._seconds:g} s; inténtalo más tarde.") from None
        except httpx2.HTTPError:
            raise ToolFailedError("No se puede hablar con Odoo ahora mismo; inténtalo más tarde.") from None
        return parsed(answer)

    async def _post(self, path: str, body: bytes) -> bytes:
        received = bytearray()
        async with self._client.stream("POST", path, content=body, headers={"content-type": "text/xml"}) as response:
            if response.status_code != 200:
                raise ToolFailedError(
                    f"En ODOO_URL no responde un Odoo como se espera (estado HTTP {response.status_code})."
                )
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MOST_BYTES:
                    raise ToolFailedError("La respuesta de Odoo es demasiado grande.")
        return bytes(received)


def parsed(answer: bytes) -> Any:
    """Returns the single value of a method's response.

    A document type is refused: it can define entities, of which a few lines expand to gigabytes.

    Raises:
        Fault: the response is a fault.
        ToolFailedError: it is not a response of XML-RPC.
    """
    target = Unmarshaller(use_builtin_types=True)
    target.xml(None, None)  # type: ignore[arg-type]  # the parser decodes, not the unmarshaller
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = target.start
    parser.EndElementHandler = target.end
    parser.CharacterDataHandler = target.data
    try:
        parser.Parse(answer, True)
        (value,) = target.close()
    except Fault:
        raise
    except (expat.ExpatError, ResponseError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError):
        # The unmarshaller raises all of these for values that do not fit their tags.
        raise ToolFailedError("En ODOO_URL responde algo que no es un Odoo.") from None
    return value


def _refuse(*_: Any) -> None:
    raise ValueError("a document type is not allowed")
