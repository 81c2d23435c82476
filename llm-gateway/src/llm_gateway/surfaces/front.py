"""The few routes that are answered before the framework's router, for speed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Dispatches `POST` to exact paths in `routes`, everything else to `app`."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, ASGIApp], root_path: str = "") -> None:
        self._app = app
        self._routes = dict(routes) | {f"{root_path}{path}": route for path, route in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            route = self._routes.get(scope["path"])
            if route is not None:
                return await route(scope, receive, send)
        return await self._app(scope, receive, send)
