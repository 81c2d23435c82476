"""AWS credentials: found by botocore's chain, off the event loop, and renewed before they end.

A module of its own that imports botocore, and is imported only where AWS is configured.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from botocore.config import Config
from botocore.configprovider import ConfigChainFactory, ConfigValueStore
from botocore.credentials import (
    AssumeRoleWithWebIdentityProvider,
    BotoProvider,
    ContainerProvider,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    EnvProvider,
    InstanceMetadataProvider,
    OriginalEC2Provider,
    ReadOnlyCredentials,
    RefreshableCredentials,
    create_credential_resolver,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from botocore.session import Session
from service_kit.telemetry.logs import get_logger

from llm_gateway.dialects.bedrock.errors import STALE
from llm_gateway.errors import UpstreamCredentials
from llm_gateway.net.proxy import Proxies
from llm_gateway.net.target import target_of

_log = get_logger(__name__)

_FAILURES = (
    BotoCoreError, ClientError, ResponseParserError, ImportError, OSError, RuntimeError, KeyError, TypeError,
    ValueError,
)  # fmt: skip
"""What botocore raises while it looks for credentials: its own errors, and what it does not foresee in a file or in a
server's answer."""

_UNUSABLE_SECONDS = 10
"""Credentials that end so soon are not signed with: the request would arrive too late."""

_PATIENCE_SECONDS = 15.0
"""How long a request without any credentials waits for them."""

Loader = Callable[[], Credentials | None]


class AwsCredentials:
    """The credentials of now. One attempt at a time finds or renews them, in a thread; a call that has valid ones does
    not wait for it. `pause` (seconds) is the least time between two attempts."""

    def __init__(self, load: Loader, *, pause: float = 5.0) -> None:
        self._load = load
        self._pause = pause
        self._source: Credentials | None = None
        self._frozen: ReadOnlyCredentials | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def current(self) -> ReadOnlyCredentials:
        """Credentials to sign with.

        Raises:
            UpstreamCredentials: there are none, or not in time; the reason is for the log.
        """
        frozen = self._frozen
        if frozen is not None and not self._ends_within(None):
            return frozen
        if frozen is not None and not self._ends_within(_UNUSABLE_SECONDS):
            self._renew_behind()
            return frozen
        return await self._renewed()

    @contextmanager
    def doubted(self) -> Iterator[None]:
        """Notices stale credentials within the block: the next request asks the chain anew, from its beginning."""
        try:
            yield
        except UpstreamCredentials as error:
            if error.code == STALE and not self._just_tried():
                self._source = self._frozen = None
            raise

    def _ends_within(self, seconds: int | None) -> bool:
        """Returns whether the credentials end within that time; None stands for botocore's own time for
        renewing them (15 minutes)."""
        source = self._source
        return isinstance(source, RefreshableCredentials) and source.refresh_needed(seconds)

    def _renew_behind(self) -> None:
        if self._renewing is None and not self._just_tried():
            self._start()

    def _just_tried(self) -> bool:
        return asyncio.get_running_loop().time() < self._not_before

    def _start(self) -> asyncio.Task[None]:
        # A context of its own: the attempt outlives the request that began it.
        task = asyncio.get_running_loop().create_task(self._renew(), context=contextvars.Context())
        self._renewing = task
        return task

    async def _renewed(self) -> ReadOnlyCredentials:
        if self._renewing is None and self._just_tried():
            raise UpstreamCredentials("no AWS credentials a moment ago; the log says why")
        task = self._renewing or self._start()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.shield(task)
        except TimeoutError as error:
            raise UpstreamCredentials("AWS credentials were not found in time") from error
        if self._frozen is None or self._ends_within(0):
            raise UpstreamCredentials("no AWS credentials; the log says why")
        return self._frozen

    async def _renew(self) -> None:
        try:
            self._source, self._frozen = await asyncio.to_thread(self._find, self._source)
        except _FAILURES as error:
            _log.warning("AWS credentials could not be had", reason=f"{type(error).__name__}: {error}")
        finally:
            self._not_before = asyncio.get_running_loop().time() + self._pause
            self._renewing = None

    def _find(self, source: Credentials | None) -> tuple[Credentials, ReadOnlyCredentials]:
        """Finds credentials. It runs in a thread: it may read files, run a process, or ask a server."""
        found = source or self._load()
        if found is None:
            raise RuntimeError("nothing in the chain has any")
        return found, found.get_frozen_credentials()


def chain(
    environ: Mapping[str, str],
    region: str,
    *,
    instance_role: bool,
    proxies: Proxies | None = None,
    ca_bundle: str | None = None,
) -> Loader:
    """AWS's usual places in their usual order: variables, assumed roles, web identity, SSO, files, processes, the
    container's server, and with `instance_role` the instance's.

    `environ` is asked wherever botocore would ask the process's own environment, as far as botocore lets it be given:
    a profile's `credential_source = Environment` and AWS_EC2_METADATA_DISABLED are still read there.

    AWS's services are asked through `proxies`, and trusted by the authorities in the file `ca_bundle` unless AWS's own
    settings name others. The container's and the instance's servers are on the same host, and asked directly.
    """

    present = {name: value for name, value in environ.items() if value.strip()}

    def load() -> Credentials | None:
        session = _session(present)
        if ca_bundle and session.get_config_variable("ca_bundle") is None:
            session.set_config_variable("ca_bundle", ca_bundle)
        session.set_default_client_config(Config(proxies=_proxies(proxies or Proxies(), _sts(present, region))))
        resolver = cast("CredentialResolver", create_credential_resolver(session, region_name=region))
        providers = [_ours(provider, session, present, region) for provider in resolver.providers]
        if not instance_role:
            providers = [provider for provider in providers if not isinstance(provider, InstanceMetadataProvider)]
        known = [provider for provider in providers if not isinstance(provider, OriginalEC2Provider | BotoProvider)]
        return CredentialResolver(known).load_credentials()

    return load


def _sts(environ: Mapping[str, str], region: str) -> str:
    """Returns the address at which roles are assumed. SSO's server is taken to be reached in the same way."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    own = environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL")
    return own or f"https://sts.{region}.{domain}"


def _proxies(proxies: Proxies, url: str) -> dict[str, str]:
    """Returns the way to `url` in botocore's terms; an empty one keeps it from asking the process's environment."""
    origin = target_of(url).origin
    proxy = proxies.route(origin).proxy
    return {"https" if origin.secure else "http": proxy.url} if proxy else {}


def _session(environ: Mapping[str, str]) -> Session:
    """Returns a session that reads its variables from `environ`."""
    session = Session()
    factory = ConfigChainFactory(session, environ=dict(environ))
    session.register_component(
        "config_store",
        ConfigValueStore(
            {
                name: factory.create_config_chain(
                    instance_name=name,
                    env_var_names=variables,
                    config_property_names=properties,
                    default=default,
                    conversion_func=convert,
                )
                for name, (properties, variables, default, convert) in Session.SESSION_VARIABLES.items()
            }
        ),
    )
    return session


def _ours(
    provider: CredentialProvider, session: Session, environ: Mapping[str, str], region: str
) -> CredentialProvider:
    """Returns `provider`, made anew where it would read the process's environment."""
    match provider:
        case EnvProvider():
            return EnvProvider(dict(environ))
        case ContainerProvider():
            return ContainerProvider(dict(environ))
        case InstanceMetadataProvider():
            # botocore would ask a link-local address through HTTP_PROXY, where that is set.
            fetcher = provider._role_fetcher
            fetcher._session = URLLib3Session(timeout=fetcher._timeout)
            return provider
        case AssumeRoleWithWebIdentityProvider():
            return _web_identity(session, environ, region)
        case _:
            return provider


def _web_identity(session: Session, environ: Mapping[str, str], region: str) -> AssumeRoleWithWebIdentityProvider:
    """IRSA: a token in a file is changed for credentials at STS. The variables are handed over as a profile."""
    profile = session.get_config_variable("profile") or "default"
    variables = {
        "web_identity_token_file": environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"),
        "role_arn": environ.get("AWS_ROLE_ARN"),
        "role_session_name": environ.get("AWS_ROLE_SESSION_NAME"),
    }
    given = {name: value for name, value in variables.items() if value}

    def config() -> dict[str, Any]:
        written = session.full_config.get("profiles", {}).get(profile, {})
        return {"profiles": {profile: {**written, **given}}}

    def client(service: str, **options: Any) -> Any:
        endpoint = environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL")
        return session.create_client(service, region_name=region, endpoint_url=endpoint, **options)

    return AssumeRoleWithWebIdentityProvider(
        load_config=config, client_creator=client, profile_name=profile, disable_env_vars=True
    )
