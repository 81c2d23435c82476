"""Fakes of the servers that give AWS credentials: a container's, an instance's metadata, and STS.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html,
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_ROLES = "/iam/security-credentials/"
_SESSION = "session-token"


@dataclass(frozen=True)
class Grant:
    """Credentials that expire in `seconds`, or none if `status` is not 200. They are sent when `hold` is set."""

    key_id: str = "ASIAFIRST"
    secret: str = "first"
    token: str = "token-of-first"
    seconds: float = 3600
    status: int = 200
    hold: asyncio.Event | None = None


class FakeCredentials:
    """Answers a GET as a container's server or an instance's metadata, and a POST as STS, with the grants in order; the
    last one is repeated.

    `asked` has, for each request, its authorization header, its web identity token, or its session token of the
    metadata server.
    """

    def __init__(self, *grants: Grant) -> None:
        self._grants = deque(grants)
        self.asked: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
            return None
        request = Request(scope, receive)
        if request.method == "PUT":
            return await Response(_SESSION)(scope, receive, send)
        if request.url.path.endswith(_ROLES):
            return await Response("the-role")(scope, receive, send)
        form = parse_qs((await request.body()).decode())
        headers = request.headers
        token = headers.get("authorization") or headers.get("x-aws-ec2-metadata-token")
        self.asked.append(form["WebIdentityToken"][0] if form else token)
        grant = self._grants.popleft() if len(self._grants) > 1 else self._grants[0]
        if grant.hold is not None:
            await grant.hold.wait()
        answer = _sts(grant) if form else _container(grant)
        return await answer(scope, receive, send)


def _until(grant: Grant) -> str:
    return (datetime.now(UTC) + timedelta(seconds=grant.seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _container(grant: Grant) -> Response:
    if grant.status != 200:
        return Response('{"code": "AccessDenied"}', grant.status, media_type="application/json")
    fields = {
        "AccessKeyId": grant.key_id, "SecretAccessKey": grant.secret, "Token": grant.token, "Expiration": _until(grant),
        "Code": "Success",
    }  # fmt: skip
    return Response(msgspec.json.encode(fields), media_type="application/json")


def _sts(grant: Grant) -> Response:
    space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
    if grant.status != 200:
        error = "<Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>no</Message></Error>"
        return Response(f"<ErrorResponse {space}>{error}</ErrorResponse>", grant.status, media_type="text/xml")
    credentials = (
        f"<AccessKeyId>{grant.key_id}</AccessKeyId><SecretAccessKey>{grant.secret}</SecretAccessKey>"
        f"<SessionToken>{grant.token}</SessionToken><Expiration>{_until(grant)}</Expiration>"
    )
    name = "AssumeRoleWithWebIdentity"
    result = f"<{name}Result><Credentials>{credentials}</Credentials></{name}Result>"
    return Response(f"<{name}Response {space}>{result}</{name}Response>", media_type="text/xml")
