"""The routes that change the servers while the toolbox runs, for operators."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from fastapi import FastAPI, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from service_kit.auth.principal import require_role
from service_kit.edge.departure import cancelled_on_departure
from service_kit.errors import ApiError, from_validation
from starlette.responses import Response

from mcp_toolbox.errors import printable
from mcp_toolbox.page.checking import Checked, Checking
from mcp_toolbox.page.records import CheckedConfig, ConfigToCheck, KeptServers, PastedConfig, ServerState
from mcp_toolbox.server.schemas import Error
from mcp_toolbox.upstream.adding import Problem
from mcp_toolbox.upstream.additions import Additions, Kept
from mcp_toolbox.upstream.errors import ServerExistsError, ServersFileError, ServersNotKeptError
from mcp_toolbox.upstream.manager import UpstreamManager

SETTLE_SECONDS = 10.0
"""How long an answer waits for a server's first attempt to connect."""

_STATUS = {"commands_not_allowed": 403, "server_exists": 409}
_Model = TypeVar("_Model", bound=BaseModel)


def add_server_routes(app: FastAPI, upstreams: UpstreamManager, additions: Additions, checking: Checking) -> None:
    """Adds the routes below `/mcp/servers`."""

    async def check_servers(request: Request) -> Response:
        require_role(request.scope, "operator")
        given = await _read(request, ConfigToCheck)
        with cancelled_on_departure(request.scope):
            checked = await checking.check(_text(given))
            language = request.scope["state"]["language"]
            return _json(await checking.told(checked, language, connect=given.connect))

    async def add_servers(request: Request) -> Response:
        require_role(request.scope, "operator")
        given = await _read(request, PastedConfig)
        checked = await checking.check(_text(given))
        if not checked.ok:
            _refuse(checked)
        entries = {candidate.name: candidate.entry for candidate in checked.candidates}
        kept = await _kept(additions.add(entries))
        states = [await _state(upstreams, name) for name in entries]
        return _json(_told(list(entries), kept, states), 201)

    async def reconnect_server(request: Request, name: str) -> Response:
        require_role(request.scope, "operator")
        if name not in upstreams.names:
            raise _unknown(name)
        return _json({"name": name, **await upstreams.reconnect(name, SETTLE_SECONDS)})

    async def remove_server(request: Request, name: str) -> Response:
        require_role(request.scope, "operator")
        if name not in upstreams.names:
            raise _unknown(name)
        if name not in additions.names:
            raise ApiError(
                409, "server_not_added", "This server was not added here; take it out of the servers file.",
                param="name", spanish="Este servidor no se añadió aquí; quítalo del archivo de servidores.",
            )  # fmt: skip
        return _json(_told([name], await _kept(additions.remove(name)), []))

    # Names may hold slashes.
    _add(app, "POST", "/mcp/servers/check", check_servers, _CHECK)
    _add(app, "POST", "/mcp/servers", add_servers, _ADD)
    _add(app, "POST", "/mcp/servers/{name:path}/reconnect", reconnect_server, _RECONNECT)
    _add(app, "DELETE", "/mcp/servers/{name:path}", remove_server, _REMOVE)


def _add(app: FastAPI, method: str, path: str, route: Any, described: dict[str, Any]) -> None:
    app.add_api_route(path, route, methods=[method], operation_id=route.__name__, tags=["servers"], **described)


async def _read(request: Request, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_context=False, include_input=False)) from None


def _text(given: PastedConfig) -> str:
    return given.config if isinstance(given.config, str) else to_json(given.config, indent=2).decode()


def _refuse(checked: Checked) -> NoReturn:
    named = [("", problem) for problem in checked.problems]
    named += [(f"{each.name}: ", problem) for each in checked.candidates for problem in each.problems]
    first: Problem = next((problem for _, problem in named if problem.code in _STATUS), named[0][1])
    raise ApiError(
        _STATUS.get(first.code, 422),
        first.code if first.code in _STATUS else "invalid_config",
        "\n".join(f"{name}{problem.message}" for name, problem in named),
        param="config",
        type="invalid_request_error",
        spanish="\n".join(f"{name}{problem.spanish}" for name, problem in named),
    )


async def _kept(changing: Any) -> Kept:
    try:
        return await changing
    except ServerExistsError as error:  # added by another request meanwhile
        raise ApiError(
            409, "server_exists", f"{error}: a server of this name is there already", param="config",
            spanish=f"{error}: ya hay un servidor con este nombre",
        ) from None  # fmt: skip
    except ServersFileError as error:
        raise ApiError(422, "invalid_config", str(error), param="config") from None
    except ServersNotKeptError as error:
        raise ApiError(
            409, "servers_file_not_writable", str(error),
            spanish=f"No se puede cambiar el archivo de servidores. {error}",
        ) from None  # fmt: skip
    except KeyError as error:
        raise _unknown(str(error.args[0])) from None


async def _state(upstreams: UpstreamManager, name: str) -> dict[str, Any]:
    return {"name": name, **await upstreams.settled(name, SETTLE_SECONDS)}


def _told(names: list[str], kept: Kept, states: list[dict[str, Any]]) -> dict[str, Any]:
    where = "file" if kept.in_file else "memory"
    return {"names": names, "kept": where, "comments_lost": kept.comments_lost, "servers": states}


def _unknown(name: str) -> ApiError:
    shown = printable(name)
    return ApiError(
        404, "server_not_found", f"No server is called {shown}.", param="name",
        spanish=f"Ningún servidor se llama {shown}.",
    )  # fmt: skip


def _json(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")


def _described(model: type[BaseModel], summary: str, status: int = 200, **errors: str) -> dict[str, Any]:
    responses: dict[int | str, dict[str, Any]] = {status: {"model": model}}
    responses[403] = {"model": Error, "description": "The caller is no operator (`operator_required`)."}
    for name, text in errors.items():
        responses[int(name[1:])] = {"model": Error, "description": text}
    return {"summary": summary, "responses": responses, "status_code": status}


def _taking(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}}


_CHECK = {
    **_described(
        CheckedConfig, "Check a config before its servers are added", s400="The body is not JSON.",
        s422="The body has other fields. A config that is wrong is an answer: its `problems` say so.",
    ),
    **_taking(ConfigToCheck),
}  # fmt: skip
_ADD = {
    **_described(
        KeptServers, "Add the servers of a config", 201, s400="The body is not JSON.",
        s403="The caller is no operator, or a server has a command (`commands_not_allowed`).",
        s409="A name is taken (`server_exists`), or the file cannot be changed (`servers_file_not_writable`).",
        s422="The config is wrong; the message says why, as its check does.",
    ),
    **_taking(PastedConfig),
}  # fmt: skip
_RECONNECT = _described(ServerState, "Drop a server's session and connect anew", s404="There is no such server.")
_REMOVE = _described(
    KeptServers, "Remove a server that was added while the toolbox runs", s404="There is no such server.",
    s409="It was not added here (`server_not_added`), or the file cannot be changed (`servers_file_not_writable`).",
)  # fmt: skip
