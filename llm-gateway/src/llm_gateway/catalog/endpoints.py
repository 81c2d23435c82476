"""A provider's row and this environment, made into an endpoint that can be called."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from llm_gateway.catalog.aws import aws_credential_variable, aws_missing, bedrock_url
from llm_gateway.catalog.document import Place
from llm_gateway.catalog.models import OFFLINE, Endpoint
from llm_gateway.catalog.rows import ProviderRow
from llm_gateway.net.target import target_of
from llm_gateway.settings import GatewaySettings

_FOR_A_HEADER = re.compile(r"[!-~]+")
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Endpoints:
    """Builds endpoints from `environ`, whose variables all have a value; what an operator should know goes to
    `warnings`."""

    def __init__(self, settings: GatewaySettings, environ: Mapping[str, str], warnings: list[str]) -> None:
        self._settings = settings
        self._environ = environ
        self._warnings = warnings

    def build(self, name: str, row: ProviderRow, place: Place) -> Endpoint:
        """Returns the endpoint of the provider called `name`.

        Raises:
            CatalogError: it says in two ways where its key is, or names a key twice.
        """
        keys = self._keys(name, row, place)
        base_url, token = self._base_url(row), self._environ.get(row.token_variable or "")
        query = "&".join(f"{field}={self._expand(value)}" for field, value in row.query.items())
        endpoint = Endpoint(
            provider=name,
            dialect=row.dialect,
            base_url=base_url,
            path=row.path,
            stream_path=row.stream_path or row.path,
            embeddings_path=row.embeddings_path,
            query=f"?{query}" if query else "",
            headers={field: self._expand(value) for field, value in row.headers.items()},
            max_tokens_field=row.max_tokens_field,
            extra_body=row.extra_body,
            cache_marks=row.cache_marks,
            also_carries=row.also_carries,
            reasoning_back=row.reasoning_back,
            embeddings_batch=row.embeddings_batch,
            token_inputs=row.token_inputs,
            packed_vectors=row.packed_vectors,
            prices=row.prices,
            free=row.free,
            unavailable=self._why_unavailable(name, row, has_key=bool(token or keys), base_url=base_url)
            or self._why_unusable(name, row, {**keys, row.token_variable or "": token or ""}, base_url),
            default_id=self._environ.get(row.default_model_variable or ""),
            credential_variable=aws_credential_variable(self._settings) if row.dialect == "bedrock" else None,
            address_variable=row.base_url_variable if row.base_url_variable in self._environ else None,
        )
        if token:
            return _with_credential(endpoint, "authorization", token, row.token_variable)
        return _with_keys(endpoint, row.key_header, keys)

    def _keys(self, name: str, row: ProviderRow, place: Place) -> dict[str, str]:
        """Returns the keys that there are, by their variables; several only where the row says `keys`."""
        if row.keys and (row.key_variable or row.optional_key_variable):
            raise place.at("keys").mistake("keys stands in place of key_variable and optional_key_variable")
        for index, variable in enumerate(row.keys):
            if variable in row.keys[:index]:
                raise place.at("keys", index).mistake(f"'{variable}' is there twice")
        variables = row.keys or (row.key_variable or row.optional_key_variable or "",)
        found = {variable: self._environ[variable] for variable in variables if variable in self._environ}
        if found and len(found) < len(variables):
            missing = " and ".join(variable for variable in variables if variable not in found)
            self._warnings.append(f"provider '{name}': {missing} has no value; its other keys are used")
        return found

    def _base_url(self, row: ProviderRow) -> str | None:
        base_url = self._environ.get(row.base_url_variable or "") or row.base_url
        if base_url is None and row.dialect == "bedrock":
            base_url = bedrock_url(self._settings)
        if not base_url:
            return None
        return _without_version(base_url if "://" in base_url else f"http://{base_url}", row.path)

    def _why_unavailable(self, name: str, row: ProviderRow, *, has_key: bool, base_url: str | None) -> str | None:
        if name == OFFLINE:
            return None
        if row.dialect == "bedrock":
            return aws_missing(self._settings, has_api_key=has_key)
        if row.unsupported:
            return row.unsupported
        key = " or ".join(row.keys) or row.key_variable
        credentials = f"{key} (or {row.token_variable})" if row.token_variable else key
        missing = [
            variable
            for variable, present in ((credentials, has_key), (row.base_url_variable, base_url))
            if variable and not present
        ]
        return f"set {' and '.join(missing)}" if missing else None

    def _why_unusable(
        self, name: str, row: ProviderRow, secrets: Mapping[str, str], base_url: str | None
    ) -> str | None:
        """Returns which variable of the provider no request could carry, or None. Its value stays unsaid."""
        broken = [variable for variable, secret in secrets.items() if secret and not _FOR_A_HEADER.fullmatch(secret)]
        if broken:
            reason = f"{' and '.join(broken)} has a space, a line end or a letter beyond ASCII, which no key has"
        elif base_url is not None and not _is_address(base_url):
            reason = f"{row.base_url_variable or 'its base_url'} is not an address such as https://api.example.com"
        else:
            return None
        self._warnings.append(f"provider '{name}' is left out: {reason}")
        return reason

    def _expand(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self._environ.get(found[1]) or found[2] or "", text)


def _is_address(url: str) -> bool:
    try:
        target_of(url)
    except ValueError:
        return False
    return True


def _with_keys(endpoint: Endpoint, header: str, keys: Mapping[str, str]) -> Endpoint:
    if len(keys) < 2:
        for variable, key in keys.items():
            return _with_credential(endpoint, header, key, variable)
        return endpoint
    keyed = tuple(
        msgspec.structs.replace(_with_credential(endpoint, header, key, variable), key=variable)
        for variable, key in keys.items()
    )
    return msgspec.structs.replace(keyed[0], keyed=keyed)


def _with_credential(endpoint: Endpoint, header: str, secret: str, variable: str | None) -> Endpoint:
    value = f"Bearer {secret}" if header == "authorization" else secret
    headers = {**endpoint.headers, header: value}
    return msgspec.structs.replace(endpoint, headers=headers, credential_variable=variable)


def _without_version(url: str, path: str) -> str:
    """Returns `url` without a version at its end that `path` begins with: vendors' clients differ in where it
    belongs."""
    url = url.rstrip("/")
    return url.removesuffix("/v1") if path.startswith("/v1/") else url
