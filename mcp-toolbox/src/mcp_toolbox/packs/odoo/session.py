"""A session of Odoo's external API: it logs in once, and then calls methods of models.

Source: https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xmlrpc.client import Fault

from service_kit.telemetry.logs import get_logger

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs.odoo.wire import XmlRpc

_log = get_logger(__name__)

# The fault codes of Odoo's own /xmlrpc/2 (odoo/addons/rpc/controllers/xmlrpc.py).
_ACCESS_DENIED = 3
_ACCESS_ERROR = 4


@dataclass(frozen=True)
class Access:
    """The credentials for a database. The password may be an API key of the user."""

    database: str
    user: str
    password: str = field(repr=False)


class OdooSession:
    """A user's access to a database. The user's numeric id is requested once, and again if Odoo refuses it."""

    def __init__(self, rpc: XmlRpc, access: Access) -> None:
        self._rpc = rpc
        self._access = access
        self._uid: int | None = None
        self._logging_in = asyncio.Lock()

    async def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], limit: int, order: str
    ) -> list[Any]:
        """Returns at most `limit` records of `model` that match `domain`, each a mapping of `fields`.

        Raises:
            ToolFailedError: Odoo is away, slow, or refuses the request; the text says which.
        """
        options: Mapping[str, Any] = {"fields": fields, "limit": limit, "order": order}
        uid = await self._login()
        try:
            found = await self._execute(uid, model, "search_read", [domain], options)
        except Fault as fault:
            if fault.faultCode != _ACCESS_DENIED:
                raise _explained(fault) from None
            found = await self._again(uid, model, domain, options)
        if not isinstance(found, list):
            raise ToolFailedError("En ODOO_URL responde algo que no es un Odoo.")
        return found

    async def _again(self, refused: int, model: str, domain: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """Repeats the query after a fresh login, because the user may have been recreated since."""
        uid = await self._login(refused)
        try:
            return await self._execute(uid, model, "search_read", [domain], options)
        except Fault as fault:
            self._uid = None
            raise _explained(fault) from None

    async def _execute(
        self, uid: int, model: str, method: str, arguments: list[Any], options: Mapping[str, Any]
    ) -> Any:
        who = (self._access.database, uid, self._access.password)
        return await self._rpc.call("/xmlrpc/2/object", "execute_kw", *who, model, method, arguments, options)

    async def _login(self, refused: int | None = None) -> int:
        """Returns the user's id: the known one, or one from a new login if the known one is `refused`."""
        async with self._logging_in:
            if self._uid is not None and self._uid != refused:
                return self._uid
            self._uid = None
            access = self._access
            try:
                uid = await self._rpc.call(
                    "/xmlrpc/2/common", "authenticate", access.database, access.user, access.password, {}
                )
            except Fault as fault:
                raise _explained(fault) from None
            if not isinstance(uid, int) or isinstance(uid, bool):
                raise _refused()
            self._uid = uid
            return uid


def _refused() -> ToolFailedError:
    return ToolFailedError("Odoo no acepta el usuario o la contraseña: revisa ODOO_USER y ODOO_PASSWORD.")


def _explained(fault: Fault) -> ToolFailedError:
    """Returns what a fault means for the caller. Odoo's own text is a stack trace, of which only the log gets the last
    line."""
    code, text = fault.faultCode, str(fault.faultString)
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    _log.warning("odoo refused", code=code, error=last[:300])
    if code == _ACCESS_DENIED:
        return _refused()
    if code == _ACCESS_ERROR:
        return ToolFailedError("El usuario de Odoo no tiene permiso para leer los clientes.")
    if "database" in text and "does not exist" in text:
        return ToolFailedError("Odoo no tiene la base de datos que dice ODOO_DB.")
    return ToolFailedError("Odoo no pudo responder a la consulta.")
