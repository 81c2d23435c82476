"""The few routes that are answered before the framework's router, for speed."""

from __future__ import annotations

from collections.abc import Mapping

from service_kit.errors import ApiError
from starlette.types import ASGIApp, Receive, Scope, Send


class RawRoutes:
    """Dispatches exact paths in `routes`, which take `POST` alone; everything else goes to `app`."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, ASGIApp], root_path: str = "") -> None:
        self._app = app
        self._routes = dict(routes) | {f"{root_path}{path}": route for path, route in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            return await self._app(scope, receive, send)
        if scope["method"] != "POST":
            raise _PostOnly  # the border answers, in the shape that this path's clients read
        return await route(scope, receive, send)


class _PostOnly(ApiError):
    def __init__(self) -> None:
        super().__init__(405, "method_not_allowed", "Method Not Allowed")

    def headers(self) -> dict[str, str]:
        return {"allow": "POST"}
