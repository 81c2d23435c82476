"""The providers and embedders that the settings describe, by the dialect of a catalog's endpoint."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping

from llm_gateway.catalog.aws import aws_region
from llm_gateway.catalog.models import Endpoint
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_embeddings.client import OpenAIEmbeddingsClient
from llm_gateway.net.proxy import Proxies
from llm_gateway.net.transport import Transport
from llm_gateway.providers import Provider
from llm_gateway.providers.embedded import EmbeddedProvider
from llm_gateway.providers.embeddings import Embedder, HttpEmbedder
from llm_gateway.providers.emulated_tools.provider import EmulatedTools
from llm_gateway.providers.http import HttpProvider
from llm_gateway.providers.remote_images.fetching import ImageFetcher
from llm_gateway.providers.remote_images.inlining import InlinedImages
from llm_gateway.settings import GatewaySettings


def build_providers(
    settings: GatewaySettings,
    environ: Mapping[str, str],
    endpoints: Collection[Endpoint],
    transport: Transport,
    proxies: Proxies,
    tls: ssl.SSLContext | None,
) -> tuple[dict[str, Provider], dict[str, Embedder]]:
    """Returns the providers and the embedders, each by dialect. Bedrock's are there if one of `endpoints` has it.

    `environ` is where AWS's own chain of credentials looks; `proxies` and `tls` are for what is not fetched over
    `transport`: images and AWS's credentials.
    """
    bedrock, bedrock_embedders = _bedrock(transport, endpoints, settings, environ, proxies)
    fetcher = ImageFetcher(max_bytes=settings.image_fetch_max_bytes, proxies=proxies, tls=tls)
    over_http = _over_http({**_plain_http(transport, settings), **bedrock}, settings, fetcher)
    embedders = {
        "openai_chat": HttpEmbedder(OpenAIEmbeddingsClient(), transport),
        "gemini": HttpEmbedder(GeminiClient(), transport),
        **bedrock_embedders,
    }
    return {**over_http, "offline": _planner()}, embedders


def _plain_http(transport: Transport, settings: GatewaySettings) -> dict[str, Provider]:
    """The providers that are a dialect over HTTP and no more, by dialect."""
    dialects = {"openai_chat": OpenAIChatClient(), "gemini": GeminiClient(), "anthropic": AnthropicClient()}
    return {
        name: HttpProvider(dialect, transport, max_frame_bytes=settings.upstream_max_bytes)
        for name, dialect in dialects.items()
    }


def _planner() -> EmbeddedProvider:
    planner = EmbeddedProvider()
    planner.warm()
    return planner


def _bedrock(
    transport: Transport,
    endpoints: Collection[Endpoint],
    settings: GatewaySettings,
    environ: Mapping[str, str],
    proxies: Proxies,
) -> tuple[dict[str, Provider], dict[str, Embedder]]:
    """What calls Bedrock, where that can be called: botocore costs 0.2 s and some megabytes to import."""
    region = aws_region(settings)
    if region is None or all(one.unavailable for one in endpoints if one.dialect == "bedrock"):
        return {}, {}
    from llm_gateway.providers.aws.bedrock import BedrockEmbedder, BedrockProvider
    from llm_gateway.providers.aws.credentials import AwsCredentials, chain

    found = chain(
        environ,
        region,
        instance_role=settings.aws_use_instance_role,
        proxies=proxies,
        ca_bundle=settings.ssl_cert_file,
    )
    credentials = AwsCredentials(found)
    return (
        {"bedrock": BedrockProvider(transport, credentials, region)},
        {"bedrock": BedrockEmbedder(transport, credentials, region)},
    )


def _over_http(
    providers: Mapping[str, Provider], settings: GatewaySettings, fetcher: ImageFetcher
) -> dict[str, Provider]:
    """`providers` by dialect, with what the gateway does for models that cannot do it themselves."""
    able: dict[str, Provider] = dict(providers)
    if settings.image_fetch == "https":
        able = {dialect: InlinedImages(provider, fetcher) for dialect, provider in able.items()}
    return {dialect: EmulatedTools(provider) for dialect, provider in able.items()}
