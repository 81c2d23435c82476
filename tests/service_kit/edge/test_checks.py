"""The checks of the edge, in addition to the cases of `test_middleware.py`."""

from __future__ import annotations

import httpx
import pytest
from service_kit.auth.authentication import authentication_of
from service_kit.edge.checks import CHECKS
from service_kit.edge.middleware import EdgeMiddleware
from service_kit.edge.policy import Policy
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError
from service_kit.settings import ServiceSettings, load
from service_kit.testing import running
from starlette.responses import PlainTextResponse

from tests.service_kit.harness import raw, staged

RIGHT = "sk-right-0123456789abcdef"
KEYS = {"AUTH_MODE": "keys", "API_KEYS": RIGHT}


@pytest.mark.parametrize(
    "twice",
    [
        ("Host: localhost", "Host: localhost"),
        ("Host: localhost", "Host: evil.example"),
        ("Host: localhost", "Origin: http://localhost", "Origin: https://evil.example"),
        ("Host: localhost", f"X-Api-Key: {RIGHT}", "x-api-key: sk-other"),
        ("Host: localhost", f"Authorization: Bearer {RIGHT}", "Authorization: Bearer sk-other"),
    ],
)
async def test_a_header_that_decides_who_passes_stands_once(twice: tuple[str, ...]):
    async with staged(KEYS) as stage:
        answer = await raw(stage.port, "GET /who HTTP/1.1", *twice)
    assert answer.startswith(b"HTTP/1.1 400") and b'"repeated_header"' in answer


async def test_other_headers_may_repeat():
    async with staged() as stage:
        answer = await raw(stage.port, "GET /who HTTP/1.1", "Host: localhost", "Accept: a/b", "Accept: c/d")
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("origin", [None, "http://localhost:8002"])
async def test_the_pages_token_is_no_key_of_other_callers(origin: str | None):
    headers = {"x-api-key": "page-token", **({"origin": origin} if origin else {})}
    async with staged(KEYS, page_token="page-token") as stage:
        assert (await stage.http.get("/who", headers=headers)).status_code == 401
        assert (await stage.http.get("/who", headers={**headers, "origin": "null"})).status_code == 200


async def test_wrong_keys_are_refused_more_and_more_slowly_and_counted():
    async with staged(KEYS) as stage:
        for _ in range(8):
            assert (await stage.http.get("/who", headers={"x-api-key": "sk-wrong"})).status_code == 401
        assert (await stage.http.get("/who", headers={"x-api-key": RIGHT})).status_code == 200
        lines = await stage.lines(9)
        counted = await stage.lines(1, "refused")
    times = [line["processingTime"] for line in lines]
    assert times[5] > 90 and times[7] > 350  # milliseconds
    assert times[8] < times[5]
    assert counted[0]["reason"] == "invalid_api_key"
    assert counted[0]["clients"] == ["127.0.0.1"]
    assert {line["client"] for line in lines} == {"127.0.0.1"}


async def test_a_check_is_added_by_adding_a_function():
    async def no_fridays(request: EdgeRequest) -> None:
        if request.text(b"x-day") == "friday":
            raise ApiError(403, "friday", "Not today.")

    settings = load(ServiceSettings, {})
    policy = Policy.of(settings, authentication=authentication_of(settings, "Stage"))
    app = EdgeMiddleware(PlainTextResponse("passed"), policy, checks=(*CHECKS, no_fridays))
    async with running(app, lifespan="off") as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/", headers={"x-day": "friday"})).json()["error"]["code"] == "friday"
        assert (await http.get("/")).text == "passed"
