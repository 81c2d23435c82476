"""The gRPC server: the service, reflection and health, under the limits of the settings."""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from llm_gateway.surfaces.rpc.service import AIService
from llm_gateway.surfaces.tls import certificate_of

SERVICE: str = pb.DESCRIPTOR.services_by_name["AIService"].full_name

_METADATA_BYTES = 64 * 1024
_IDLE_MS = 300_000
_PING_MS = 30_000


class RpcServer:
    """A server that is started and stopped once."""

    def __init__(self, service: AIService, settings: GatewaySettings) -> None:
        self._service = service
        self._settings = settings
        self._server = grpc.aio.server(options=_options(settings), maximum_concurrent_rpcs=settings.pool_max_concurrent)
        self._health = health.aio.HealthServicer()  # pyright: ignore[reportAttributeAccessIssue]

    async def start(self) -> int:
        """Begins to serve, and returns the real port.

        Raises:
            OSError: the port is taken.
        """
        server = self._server
        server.add_generic_rpc_handlers((_handlers(self._service),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        port = self._bind(f"{self._settings.host}:{self._settings.grpc_port}")
        await server.start()
        return port

    def _bind(self, address: str) -> int:
        certificate = certificate_of(self._settings)
        try:
            if certificate is None:
                return self._server.add_insecure_port(address)
            pair = (certificate.key.read_bytes(), certificate.chain.read_bytes())
            return self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        except RuntimeError as error:
            raise OSError(f"GRPC_PORT: {address} cannot be used: {error}") from error

    async def stop(self, grace_seconds: float) -> None:
        """Takes no more calls; those that are still under way after `grace_seconds` are cut."""
        self._service.stopping = True
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


def _options(settings: GatewaySettings) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_send_message_length", settings.upstream_max_bytes),
        ("grpc.max_metadata_size", _METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
        ("grpc.max_connection_idle_ms", _IDLE_MS),
        ("grpc.keepalive_time_ms", _PING_MS),
    ]


def _handlers(service: AIService) -> grpc.GenericRpcHandler:
    methods = pb.DESCRIPTOR.services_by_name["AIService"].methods_by_name
    behaviors = {
        "Generate": service.generate,
        "GenerateStream": service.generate_stream,
        "ListModels": service.list_models,
        "GetStatus": service.get_status,
    }
    handlers: dict[str, Any] = {}
    for name, behavior in behaviors.items():
        method = methods[name]
        make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        asked, answer = getattr(pb, method.input_type.name), getattr(pb, method.output_type.name)
        handlers[name] = make(behavior, asked.FromString, answer.SerializeToString)
    return grpc.method_handlers_generic_handler(SERVICE, handlers)
