"""The gateway's errors: what went wrong, as a type, translated once into status and code.

    ApiError (service_kit)
    ├── InvalidRequest             400  the request does not make sense, or this provider cannot do it
    ├── ModelNotFound              404  no model of that name
    ├── ModelNotAllowed            403  a model that the key may not use
    ├── ProviderNotConfigured      503  the provider has no credentials here
    ├── GatewaySaturated           503  as many calls are under way as may be
    └── UpstreamError                   a provider failed
        ├── UpstreamRejected       400  it refused the request for what it is: never sent again unchanged
        ├── UpstreamCredentials    502  it refused our credentials
        ├── UpstreamRateLimited    429  it asked us to wait
        │   └── UpstreamQuota      429  our account has no credit left
        ├── UpstreamUnavailable    503  it could not be reached, or failed
        │   └── CircuitOpen        503  it failed so often that it is not asked for a while
        ├── UpstreamTimeout        504  it was not done in time
        │   ├── UpstreamConnectTimeout        no connection in time: nothing was sent
        │   ├── UpstreamSilent                it hung up after a long silence
        │   │   ├── UpstreamFirstByteTimeout  nothing of its answer came in time
        │   │   └── UpstreamIdleTimeout       it stopped in the middle of its answer
        │   └── UpstreamTotalTimeout          its answer took too long as a whole
        ├── ProxyCredentials       503  the outbound proxy refused the gateway's credentials
        ├── UpstreamProtocol       502  it answered, but not what its API promises
        └── ProviderSaturated      503  it was not asked: the gateway has no place or connection free for it

What a provider said goes to the log (`detail`), never to the client; a rejection's code does reach the client, and so
do the provider's name and the names of its variables, once `blame` has said them.
"""

from __future__ import annotations

from service_kit.errors import ApiError


class InvalidRequest(ApiError):
    def __init__(
        self, message: str, *, param: str | None = None, code: str = "invalid_request", spanish: str | None = None
    ) -> None:
        super().__init__(400, code, message, param=param, spanish=spanish)


class ModelNotFound(ApiError):
    def __init__(self, name: str) -> None:
        super().__init__(404, "model_not_found", f"LLM '{name[:200]}' not found", param="model")


class ModelNotAllowed(ApiError):
    """The principal's list of models does not have this one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            403, "model_not_allowed", f"This key may not use LLM '{name[:200]}'", param="model",
            spanish=f"Esta clave no puede usar el LLM '{name[:200]}'",
        )  # fmt: skip


class ProviderNotConfigured(ApiError):
    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(
            503, "provider_not_configured", f"Provider '{provider}' is not configured: {reason}", param="model",
            mends=False, spanish=f"El proveedor '{provider}' no está configurado: {reason}",
        )  # fmt: skip


_UNNAMED, _UNNAMED_IN_SPANISH = "The provider", "El proveedor"
"""How the texts call a provider, until its name is known."""


class UpstreamError(ApiError):
    """A provider's failure; `retriable` says whether another deployment may do better with the same request.

    `asked_to_wait` are the seconds for which the provider itself wants to be left alone, if it said so, and
    `should_retry` is its own word on whether the same request may be sent to it again.
    """

    status_code = 502
    default_code = "upstream_error"
    text = "The provider failed."
    spanish_text = "El proveedor ha fallado."
    retriable = True
    final = False
    """Whether the same request cannot succeed before its settings or credentials change."""

    def __init__(
        self,
        detail: str = "",
        *,
        provider: str = "",
        code: str | None = None,
        message: str | None = None,
        spanish: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            self.status_code,
            code or self.default_code,
            message or self.text,
            type="upstream_error",
            retry_after=retry_after,
            mends=False if self.final else None,
            spanish=spanish if message else self.spanish_text,
        )
        self.detail = detail
        self.provider = provider
        self.asked_to_wait = retry_after
        self.should_retry: bool | None = None

    def blame(self, provider: str, *, credential: str | None = None, address: str | None = None) -> None:
        """Say which provider failed. The other two are the variables that its credential and its address come from."""
        self.provider = provider
        if self.message.startswith(_UNNAMED):
            self.message = provider + self.message.removeprefix(_UNNAMED)
        if self.spanish is not None and self.spanish.startswith(_UNNAMED_IN_SPANISH):
            self.spanish = provider + self.spanish.removeprefix(_UNNAMED_IN_SPANISH)


class UpstreamRejected(UpstreamError):
    status_code = 400
    default_code = "upstream_rejected"
    text = "The provider refused this request."
    spanish_text = "El proveedor ha rechazado esta petición."
    retriable = False


class UpstreamCredentials(UpstreamError):
    default_code = "upstream_credentials"
    text = "The provider refused the gateway's credentials."
    spanish_text = "El proveedor ha rechazado las credenciales del gateway."
    final = True

    def blame(self, provider: str, *, credential: str | None = None, address: str | None = None) -> None:
        super().blame(provider, credential=credential, address=address)
        if credential:
            self.message = f"{provider} refused {credential}, the gateway's credential."
            self.spanish = f"{provider} ha rechazado {credential}, la credencial del gateway."


class UpstreamRateLimited(UpstreamError):
    status_code = 429
    default_code = "upstream_rate_limited"
    text = "The provider's rate limit is reached."
    spanish_text = "El proveedor no admite más peticiones por ahora."


class UpstreamQuota(UpstreamRateLimited):
    """The account has no credit left, which no waiting brings back."""

    default_code = "insufficient_quota"
    text = "The provider's quota is used up."
    spanish_text = "El proveedor ya no tiene cuota para esta cuenta."
    final = True


class UpstreamUnavailable(UpstreamError):
    status_code = 503
    default_code = "upstream_unavailable"
    text = "The provider is not available."
    spanish_text = "El proveedor no está disponible."

    def blame(self, provider: str, *, credential: str | None = None, address: str | None = None) -> None:
        super().blame(provider, credential=credential, address=address)
        if address and self.message == f"{provider} is not available.":
            self.message = f"{provider} is not available at {address}."
            self.spanish = f"{provider} no está disponible en {address}."


class ProxyCredentials(UpstreamError):
    """The outbound proxy refused the gateway's credentials. The provider never saw the request."""

    status_code = 503
    default_code = "proxy_credentials"
    text = "The outbound proxy refused the gateway's credentials (HTTPS_PROXY, HTTP_PROXY)."
    spanish_text = "El proxy de salida ha rechazado las credenciales del gateway (HTTPS_PROXY, HTTP_PROXY)."
    final = True


class CircuitOpen(UpstreamUnavailable):
    default_code = "upstream_circuit_open"
    text = "The provider has failed repeatedly and is left alone for a moment."
    spanish_text = "El proveedor ha fallado varias veces y se le deja en paz un momento."


class UpstreamTimeout(UpstreamError):
    status_code = 504
    default_code = "upstream_timeout"
    text = "The provider did not answer in time."
    spanish_text = "El proveedor no ha respondido a tiempo."


class UpstreamConnectTimeout(UpstreamTimeout):
    """No connection in time. Nothing was sent, so asking again costs nothing."""


class UpstreamSilent(UpstreamTimeout):
    """Silence, of which some may already be paid for: it is not worth repeating at the same deployment, also when the
    provider or something before it ended it by hanging up. With code `upstream_stream_cut`, some had been said."""


class UpstreamFirstByteTimeout(UpstreamSilent):
    """Nothing of the answer came within the limit for its beginning."""


class UpstreamIdleTimeout(UpstreamSilent):
    """The answer had begun, and nothing more of it came within the limit for a pause."""


class UpstreamTotalTimeout(UpstreamTimeout):
    """The answer was not complete within the limit for all of it."""


class UpstreamProtocol(UpstreamError):
    default_code = "upstream_protocol_error"
    text = "The provider's answer could not be understood."
    spanish_text = "El proveedor ha dado una respuesta que no se entiende."


class GatewaySaturated(ApiError):
    """As many calls are under way as may be, to all providers together. None was asked."""

    def __init__(self) -> None:
        super().__init__(
            503, "gateway_saturated", "The gateway has as many calls under way as it may.", retry_after=1.0,
            spanish="El gateway ya tiene en curso todas las llamadas que puede.",
        )  # fmt: skip


class ProviderSaturated(UpstreamError):
    """The gateway has no place or no connection left for this provider. That is the gateway's own state: it says
    nothing about the provider, and nothing was sent."""

    status_code = 503
    default_code = "gateway_saturated"
    text = "The gateway has no connection free for this provider."
    spanish_text = "El gateway no tiene ninguna conexión libre para este proveedor."

    def __init__(self, detail: str = "", *, message: str | None = None, spanish: str | None = None) -> None:
        super().__init__(detail, message=message, spanish=spanish)
        self.type = "unavailable_error"  # as every 503 of the gateway itself; it comes with Retry-After
