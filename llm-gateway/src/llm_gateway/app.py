"""Composition: the only place that reads the environment and knows every part."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec
from fastapi import APIRouter, FastAPI
from service_kit.docs_page import lead_home_to_docs
from service_kit.edge.metadata import MetadataEdge
from service_kit.memory import releasing_memory
from service_kit.secret_files import with_secret_files
from service_kit.service import Service, create_service, serve
from service_kit.settings import SettingsError, load, secret_variables
from service_kit.store.redis_address import RedisAddress
from service_kit.telemetry.loop_lag import LoopLag
from starlette.types import ASGIApp

from llm_gateway.cache.levels import CacheLevels
from llm_gateway.cache.lifetimes import Lifetimes
from llm_gateway.cache.memory import MemoryCache
from llm_gateway.catalog.document import CatalogError
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.dialects.anthropic.render_error import render_error as anthropic_error
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.dialects.prompt.server import PromptServer
from llm_gateway.dialects.protocols import ServerDialect
from llm_gateway.errors import ModelNotFound
from llm_gateway.net.transport import Transport
from llm_gateway.pipeline.admission import AdmissionControl
from llm_gateway.pipeline.context import Defaults
from llm_gateway.pipeline.kinds import Generation, Vectors
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.pipeline.shared_calls import BufferLimits
from llm_gateway.pipeline.single_flight import SingleFlight
from llm_gateway.pipeline.upstream_call import Piece
from llm_gateway.providers import Provider
from llm_gateway.providers.compose import build_providers
from llm_gateway.providers.embeddings import Embedder
from llm_gateway.providers.outbound import proxies_of, trusting
from llm_gateway.routing import Router
from llm_gateway.routing.breakers import Breakers
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.http import openapi
from llm_gateway.surfaces.http.batch import BatchStreamSurface, BatchSurface
from llm_gateway.surfaces.http.compression import Compression
from llm_gateway.surfaces.http.embeddings import EmbeddingsSurface
from llm_gateway.surfaces.http.generation import GenerationSurface
from llm_gateway.surfaces.http.messages import COUNT_TOKENS, MESSAGES, CountTokens, MessagesDialect
from llm_gateway.surfaces.http.models import model_routes
from llm_gateway.surfaces.http.ops import ops_routes
from llm_gateway.surfaces.http.prompt import BATCH, BATCH_STREAM, PROMPT, PROMPT_STREAM, PromptSurface
from llm_gateway.surfaces.http.prompt_info import prompt_routes
from llm_gateway.surfaces.http.raw_routes import RawRoutes
from llm_gateway.surfaces.rpc.port import RpcPort
from llm_gateway.surfaces.send_limits import SendLimits
from llm_gateway.surfaces.socket.sockets import GRACE_FOR_CALLS, Sockets, socket_port
from llm_gateway.surfaces.status import StatusReader
from llm_gateway.surfaces.tls import tls_options
from llm_gateway.telemetry.dispatcher import RecordDispatcher, RecordSink
from llm_gateway.telemetry.edge_metrics import EdgeMetrics
from llm_gateway.telemetry.log import CallLog
from llm_gateway.telemetry.metrics import Metrics
from llm_gateway.telemetry.metrics_server import metrics_server

VERSION = "0.1.0"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway is made of; `sinks` get every call's record, behind its answer."""

    holder: CatalogHolder
    transport: Transport
    providers: Mapping[str, Provider]
    embedders: Mapping[str, Embedder]
    cache: CacheLevels | None
    breakers: Breakers
    sinks: tuple[RecordSink, ...] = ()


def create_app(settings: GatewaySettings, parts: Parts) -> Service:
    """The gateway as an ASGI application."""
    metrics = Metrics(parts.breakers.providers)
    records = RecordDispatcher([metrics, CallLog(), *parts.sinks])
    metrics.watch(records)
    calls: SingleFlight[Piece] = SingleFlight(_buffer_limits(settings))
    limits, lag = SendLimits(settings.client_send_timeout), LoopLag()
    admission = AdmissionControl(settings.pool_max_concurrent, settings.provider_max_concurrent)
    pipeline = _pipeline(settings, parts, calls, records, admission)
    hot = _raw_routes(settings, parts, pipeline, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        parts.holder.announce()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(releasing_memory())
            await stack.enter_async_context(parts.transport.running())
            if parts.cache is not None:
                await stack.enter_async_context(parts.cache.running())
            await stack.enter_async_context(records.running())
            await stack.enter_async_context(lag.running())
            await stack.enter_async_context(parts.holder.running())
            await stack.enter_async_context(metrics_server(settings, metrics, records, cast(Service, app).refusals))
            await stack.enter_async_context(limits.running())
            await stack.enter_async_context(calls.running())
            # The last to be entered is the first to end.
            await stack.enter_async_context(socket_port(cast(Service, app), settings))
            await stack.enter_async_context(rpc.running())
            yield

    app = create_service(
        docs_as="gateway",
        name="llm-gateway",
        title="LLM gateway",
        description="One API over every LLM provider; the only holder of credentials.",
        version=VERSION,
        settings=settings,
        lifespan=lifespan,
        unlogged_paths=frozenset(hot) - {COUNT_TOKENS},  # those are logged as calls
        lenient_paths=frozenset({PROMPT, PROMPT_STREAM, BATCH, BATCH_STREAM}),
        error_bodies={MESSAGES: anthropic_error, COUNT_TOKENS: anthropic_error},
        front=lambda inner: Compression(RawRoutes(inner, hot, settings.root_path)),
    )
    metrics.registry.register(EdgeMetrics(app.refusals, lag))
    reader = StatusReader(
        holder=parts.holder, breakers=parts.breakers, cache=parts.cache, records=records, admission=admission,
        loops=lambda: app.state.background, version=VERSION,
    )  # fmt: skip
    sockets = Sockets(pipeline, limits, settings.ws_max_connections)
    rpc = RpcPort(settings, lambda: MetadataEdge(app.policy, app.refusals), pipeline, reader, limits)
    _drained(app, sockets, rpc, settings.shutdown_grace_seconds * GRACE_FOR_CALLS)
    app.include_router(model_routes(parts.holder.current, int(time.time())))
    app.include_router(_ops(parts, metrics, records))
    app.include_router(prompt_routes(parts.holder.current, parts.cache, reader))
    sockets.add_routes(app)
    openapi.describe(app)
    lead_home_to_docs(app)
    return app


def _drained(app: Service, sockets: Sockets, rpc: RpcPort, grace_seconds: float) -> None:
    """Lets the calls of sockets and of gRPC end before their ports close."""

    async def drain() -> None:
        await asyncio.gather(sockets.drain(grace_seconds), rpc.drain(grace_seconds))

    app.state.lifecycle.add_shutdown_hook(drain)


def _pipeline(
    settings: GatewaySettings,
    parts: Parts,
    calls: SingleFlight[Piece],
    records: RecordDispatcher,
    admission: AdmissionControl,
) -> Pipeline:
    router = Router(parts.providers, parts.breakers)
    return Pipeline(
        catalog=parts.holder.current,
        generation=Generation(router, Defaults(settings.max_tokens, settings.temperature)),
        vectors=Vectors(router, parts.embedders),
        cache=parts.cache,
        lifetimes=Lifetimes(settings.cache_ttl, settings.cache_ttl_by_kind),
        admission=admission,
        calls=calls,
        records=records,
    )


def _raw_routes(settings: GatewaySettings, parts: Parts, pipeline: Pipeline, limits: SendLimits) -> dict[str, ASGIApp]:
    """The routes that bypass the framework, by path."""

    def surface(name: str, dialect: ServerDialect) -> GenerationSurface:
        return GenerationSurface(name, dialect, pipeline, settings.stream_keepalive, limits)

    def prompt(*, stream: bool) -> PromptSurface:
        return PromptSurface("prompt", PromptServer(stream=stream), pipeline, settings.stream_keepalive, limits)

    parallel = settings.batch_max_parallel
    return {
        "/mcp/llm/generate": surface("generate", NativeServer()),
        "/v1/chat/completions": surface("chat.completions", OpenAIChatServer()),
        "/v1/embeddings": EmbeddingsSurface(pipeline, limits),
        "/v1/responses": surface("responses", OpenAIResponsesServer()),
        MESSAGES: surface("messages", MessagesDialect(parts.holder.current)),
        COUNT_TOKENS: CountTokens(parts.holder.current),
        PROMPT: prompt(stream=False),
        PROMPT_STREAM: prompt(stream=True),
        BATCH: BatchSurface(pipeline, limits, parallel),
        BATCH_STREAM: BatchStreamSurface(pipeline, limits, parallel, settings.stream_keepalive),
    }


def _ops(parts: Parts, metrics: Metrics, records: RecordDispatcher) -> APIRouter:
    return ops_routes(
        holder=parts.holder,
        breakers=parts.breakers,
        cache=parts.cache,
        metrics=metrics,
        records=records,
        version=VERSION,
    )


def _buffer_limits(settings: GatewaySettings) -> BufferLimits:
    """The provider may be a sixteenth of the buffer in front of the fastest reader."""
    return BufferLimits(settings.stream_buffer_bytes, settings.stream_buffer_bytes // 16)


def build_parts(settings: GatewaySettings, environ: Mapping[str, str]) -> Parts:
    """The real parts.

    Raises:
        SettingsError: the catalog cannot be used, or the default model is not in it.
    """
    # Of AWS's credentials the SDK's own chain reads some; what `load` has read from files is for it too.
    environ = with_secret_files(environ, secret_variables(GatewaySettings))
    proxies, tls = proxies_of(settings), trusting(settings)
    transport = Transport(
        max_connections=settings.upstream_max_connections,
        max_bytes=settings.upstream_max_bytes,
        share=settings.upstream_max_connections_per_origin,
        proxies=proxies,
        tls=tls,
    )
    holder = _catalog(settings, environ)
    providers, embedders = build_providers(
        settings, environ, holder.current().endpoints.values(), transport, proxies, tls
    )
    return Parts(
        holder=holder,
        transport=transport,
        providers=providers,
        embedders=embedders,
        cache=_cache(settings),
        breakers=Breakers(),
    )


def _catalog(settings: GatewaySettings, environ: Mapping[str, str]) -> CatalogHolder:
    """The catalog of CATALOG_FILE, watched, or the built-in one.

    Raises:
        SettingsError: it cannot be used, or the default model is not in it.
    """
    path = Path(settings.catalog_file) if settings.catalog_file else None
    try:
        return CatalogHolder(lambda: load_catalog(settings, environ, path), path)
    except CatalogError as error:
        raise SettingsError(f"CATALOG_FILE: {error}") from error
    except ModelNotFound as error:
        raise SettingsError(f"DEFAULT_MODEL or DEFAULT_PROVIDER: {error.message}") from error


def _cache(settings: GatewaySettings) -> CacheLevels | None:
    if not settings.cache_enabled:
        return None
    memory = MemoryCache(max_entries=settings.cache_max_size, max_bytes=settings.cache_max_bytes)
    url = settings.redis_address() if settings.use_redis_cache else None
    if url is None:
        return CacheLevels(memory)
    from llm_gateway.cache.redis import RedisCache  # the client is large: it is loaded only if used

    return CacheLevels(memory, RedisCache(RedisAddress.parse(url), settings.redis_timeout))


def from_environment(environ: Mapping[str, str]) -> tuple[Service, GatewaySettings]:
    """The gateway as the environment describes it."""
    settings = load(GatewaySettings, environ)
    return create_app(settings, build_parts(settings, environ)), settings


def main() -> int:
    app, settings = from_environment(os.environ)
    return serve(app, settings, None, **tls_options(settings))
