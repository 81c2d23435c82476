"""The probes `/healthz` and `/readyz`, for machines."""

from __future__ import annotations

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel

from service_kit.auth.principal import Principal
from service_kit.errors import ApiError
from service_kit.lifecycle import Lifecycle


class Live(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"


def add_probes(app: FastAPI, lifecycle: Lifecycle) -> None:
    """Adds the probes to `app`. Live: the process answers. Ready: it has started and is not draining; dependencies do
    not count."""

    @app.get("/healthz", tags=["health"], summary="Liveness", operation_id="get_liveness")
    async def healthz() -> Live:
        return Live()

    @app.get("/readyz", tags=["health"], summary="Readiness", operation_id="get_readiness")
    async def readyz() -> Ready:
        if not lifecycle.ready:
            raise ApiError(
                503, "not_ready", "The service is starting or stopping.",
                spanish="El servicio está arrancando o deteniéndose.",
            )  # fmt: skip
        return Ready()


def reason_for(principal: Principal, reason: str | None) -> str | None:
    """Returns `reason`, why a file is not in use, for an operator. It may quote paths, addresses and lines of the file:
    others are told only that there is one."""
    if reason is None or "operator" in principal.roles:
        return reason
    return "It was refused; a key with the role of an operator is told why."
