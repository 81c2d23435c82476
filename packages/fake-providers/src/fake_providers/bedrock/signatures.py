"""Verifies AWS signatures: botocore signs the request again, and the signatures are compared.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..exchange import Call
from .behaviors import Fails

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)
_TOLERANCE = timedelta(minutes=5)


class Secret(NamedTuple):
    """The secrets of an access key id. `expired` is a session token that is no longer valid."""

    key: str
    token: str | None = None
    expired: bool = False


def objection(call: Call, credentials: Mapping[str, Secret]) -> Fails | None:
    """Returns AWS's error for the call's signature, or None if it is valid."""
    found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
    if found is None:
        return Fails("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    id_, day, region, service, signed, signature = found.groups()
    secret = credentials.get(id_)
    if secret is None or call.headers.get("x-amz-security-token") != secret.token:
        return Fails("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    if secret.expired:
        return Fails("ExpiredTokenException", "The security token included in the request is expired", 403)
    names = signed.split(";")
    problem = _problem(call, names, day, service, secret)
    if problem is not None:
        return Fails("InvalidSignatureException", problem, 403)
    if not hmac.compare_digest(signature, _signature(call, names, region, service, id_, secret)):
        return Fails("InvalidSignatureException", "The request signature we calculated does not match", 403)
    return None


def _problem(call: Call, names: list[str], day: str, service: str, secret: Secret) -> str | None:
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if secret.token else set())
    if service != "bedrock":
        return f"Credential should be scoped to correct service: 'bedrock', not '{service}'"
    if names != sorted(names) or not needed <= set(names):
        return f"signed headers must be sorted and contain {sorted(needed)}: {names}"
    stamp = datetime.strptime(call.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - stamp) > _TOLERANCE:
        return "Signature expired"
    return None if call.headers["x-amz-date"].startswith(day) else "Date in Credential scope does not match"


def _signature(call: Call, names: list[str], region: str, service: str, id_: str, secret: Secret) -> str:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials

    auth = SigV4Auth(ReadOnlyCredentials(id_, secret.key, secret.token, None), service, region)
    request = AWSRequest(
        method="POST",
        url=f"http://{call.headers['host']}{call.raw_path}",
        data=call.raw,
        headers={name: call.headers.get(name, "") for name in names},
    )
    request.context["timestamp"] = call.headers["x-amz-date"]
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
