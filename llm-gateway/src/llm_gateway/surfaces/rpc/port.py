"""GRPC_PORT: the gRPC server for the length of a service's life. It imports grpcio only where the port is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from service_kit.edge.metadata import MetadataEdge
from service_kit.telemetry.logs import get_logger

from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.send_limits import SendLimits
from llm_gateway.surfaces.status import StatusReader

if TYPE_CHECKING:
    from llm_gateway.surfaces.rpc.server import RpcServer

_log = get_logger(__name__)


class RpcPort:
    """Serves gRPC while it runs, and lets what is under way end when it drains; nothing where the port is not set."""

    def __init__(
        self, settings: GatewaySettings, edge: Callable[[], MetadataEdge], pipeline: Pipeline, reader: StatusReader,
        limits: SendLimits,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._edge = edge
        self._pipeline = pipeline
        self._reader = reader
        self._limits = limits
        self._server: RpcServer | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int | None]:
        """Serves for the length of the block. Yields the real port, or None.

        Raises:
            OSError: the port is taken.
        """
        if self._settings.grpc_port is None:
            yield None
            return
        from llm_gateway.surfaces.rpc.server import RpcServer
        from llm_gateway.surfaces.rpc.service import AIService

        service = AIService(self._pipeline, self._reader, self._edge(), self._limits)
        self._server = server = RpcServer(service, self._settings)
        port = await server.start()
        _log.info("grpc", host=self._settings.host, port=port)
        try:
            yield port
        finally:
            await server.stop(0.0)

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more calls, and cuts those that are still under way after so many seconds."""
        if self._server is not None:
            await self._server.stop(grace_seconds)
