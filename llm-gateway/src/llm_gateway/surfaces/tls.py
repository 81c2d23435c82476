"""TLS of the gateway's own ports: HTTP, the sockets' and gRPC's."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec
from service_kit.settings import SettingsError

from llm_gateway.settings import GatewaySettings


class Certificate(msgspec.Struct, frozen=True):
    """The files of a certificate (with its chain) and of its key, in PEM."""

    chain: Path
    key: Path

    def options(self) -> dict[str, str]:
        """Returns the options of `uvicorn.Config` that serve it."""
        return {"ssl_certfile": str(self.chain), "ssl_keyfile": str(self.key)}


def certificate_of(settings: GatewaySettings) -> Certificate | None:
    """Returns the certificate of TLS_CERT_PATH and TLS_KEY_PATH where ENABLE_TLS is true, else None.

    Raises:
        SettingsError: a path is missing, or the two files cannot be used together.
    """
    if not settings.enable_tls:
        return None
    for variable, path in {"TLS_CERT_PATH": settings.tls_cert_path, "TLS_KEY_PATH": settings.tls_key_path}.items():
        if path is None:
            raise SettingsError(f"{variable}: ENABLE_TLS=true needs TLS_CERT_PATH and TLS_KEY_PATH")
        if not Path(path).is_file():
            raise SettingsError(f"{variable}: there is no file {path}")
    certificate = Certificate(Path(settings.tls_cert_path or ""), Path(settings.tls_key_path or ""))
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(f"TLS_CERT_PATH, TLS_KEY_PATH: the two cannot be used: {error}") from error
    return certificate


def _no_password() -> str:
    """Without this OpenSSL asks on the terminal."""
    raise ValueError("the key has a password")


def tls_options(settings: GatewaySettings) -> dict[str, str]:
    """Returns the options of `uvicorn.Config` for TLS as the settings want it. Raises as `certificate_of`."""
    certificate = certificate_of(settings)
    return certificate.options() if certificate else {}
