"""The proxies and certificate authorities for what leaves the gateway."""

from __future__ import annotations

import ssl

from service_kit.settings import Secret, SettingsError

from llm_gateway.net.proxy import NoProxy, Proxies, Proxy, proxy_of
from llm_gateway.settings import GatewaySettings


def proxies_of(settings: GatewaySettings) -> Proxies:
    """Returns the proxies of the settings. Raises SettingsError for a variable that names no proxy, without repeating
    what may hold a password."""
    try:
        no = NoProxy(settings.no_proxy)
    except ValueError as error:
        raise SettingsError(f"NO_PROXY: {error}") from error
    others = _proxy("ALL_PROXY", settings.all_proxy)
    return Proxies(
        https=_proxy("HTTPS_PROXY", settings.https_proxy) or others,
        http=_proxy("HTTP_PROXY", settings.http_proxy) or others,
        no=no,
    )


def _proxy(name: str, url: Secret | None) -> Proxy | None:
    try:
        return proxy_of(url.get_secret_value()) if url else None
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


def trusting(settings: GatewaySettings) -> ssl.SSLContext | None:
    """What trusts the authorities of SSL_CERT_FILE alone; None where the system's are trusted.

    Raises:
        SettingsError: the file cannot be used.
    """
    if settings.ssl_cert_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ssl_cert_file)
    except OSError as error:
        raise SettingsError(f"SSL_CERT_FILE: {error}") from error
