"""A fake Odoo that serves its external API over XML-RPC: `/xmlrpc/2/common` and `/xmlrpc/2/object`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xmlrpc.client import Fault, dumps, loads

from service_kit.testing import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TRACE = 'Traceback (most recent call last):\n  File "/odoo/http.py", line 1, in _call\n'


def _partners() -> list[dict[str, Any]]:
    return [
        {"id": 7, "name": "Ana Gómez", "email": "ana@example.com", "phone": "+34 600 000 001", "city": "Zaragoza",
         "country_id": [68, "Spain"]},
        {"id": 8, "name": "Azul 100% Natural", "email": False, "phone": False, "city": False, "country_id": False},
        {"id": 9, "name": "Luis & Ana <Hermanos>", "email": "luis@example.com", "phone": False, "city": "Teruel",
         "country_id": [68, "Spain"]},
    ]  # fmt: skip


@dataclass
class FakeOdoo:
    """An Odoo with one database, one user and some partners.

    `raw` is answered instead of XML-RPC, with `status`, after `seconds`. `forbidden` denies access to partners.
    `logins` counts successful logins, and `queries` lists the domains that were searched.
    """

    database: str = "main"
    user: str = "bot@example.com"
    password: str = "api-key"
    uid: int = 2
    partners: list[dict[str, Any]] = field(default_factory=_partners)
    raw: bytes | None = None
    status: int = 200
    seconds: float = 0.0
    forbidden: bool = False
    logins: int = 0
    queries: list[Any] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """Returns the server as an ASGI application."""
        return Starlette(
            routes=[
                Route("/xmlrpc/2/common", self._common, methods=["POST"]),
                Route("/xmlrpc/2/object", self._object, methods=["POST"]),
            ]
        )

    @asynccontextmanager
    async def running(self, **config: Any) -> AsyncIterator[str]:
        """Runs the server on an ephemeral port of the loopback interface until the block ends, and yields its base
        URL."""
        async with running(self.app, **config) as url:
            yield url

    async def _common(self, request: Request) -> Response:
        return await self._answer(request, {"authenticate": self._authenticate, "version": dict})

    async def _object(self, request: Request) -> Response:
        return await self._answer(request, {"execute_kw": self._execute_kw})

    async def _answer(self, request: Request, methods: dict[str, Any]) -> Response:
        await asyncio.sleep(self.seconds)
        if self.raw is not None:
            return Response(self.raw, self.status, media_type="text/xml")
        arguments, method = loads(await request.body())
        try:
            value = (methods[str(method)](*arguments),)
        except Fault as fault:
            return Response(dumps(fault), media_type="text/xml")
        return Response(dumps(value, methodresponse=True), media_type="text/xml")

    def _authenticate(self, database: str, user: str, password: str, environment: dict[str, Any]) -> int | bool:
        self._open(database)
        if (user, password) != (self.user, self.password):
            return False
        self.logins += 1
        return self.uid

    def _execute_kw(
        self, database: str, uid: int, password: str, model: str, method: str, arguments: list[Any], options: Any
    ) -> Any:
        self._open(database)
        if (uid, password) != (self.uid, self.password):
            raise Fault(3, "Access Denied")
        if self.forbidden:
            raise Fault(4, f"You are not allowed to access 'Contact' ({model}) records.")
        if (model, method) != ("res.partner", "search_read"):
            raise Fault(1, f"{_TRACE}KeyError: '{model}'")
        return self._search(arguments[0], **options)

    def _open(self, database: str) -> None:
        if database != self.database:
            words = f'connection to server failed: FATAL:  database "{database}" does not exist'
            raise Fault(1, f"{_TRACE}psycopg2.OperationalError: {words}\n")

    def _search(self, domain: list[Any], fields: list[str], limit: int, order: str) -> list[dict[str, Any]]:
        self.queries.append(domain)
        ((_, _, pattern),) = domain
        wanted = re.compile(_as_regex(pattern), re.IGNORECASE)
        found = sorted((one for one in self.partners if wanted.search(one["name"])), key=lambda one: one["name"])
        return [{name: one[name] for name in ("id", *fields)} for one in found[:limit]]


def _as_regex(pattern: str) -> str:
    """Returns the regular expression that matches anywhere in a text what SQL's LIKE matches."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
