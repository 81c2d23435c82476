"""AWS credentials and signatures: the whole chain, renewed in time, and taken by a Bedrock that verifies them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.credentials import ReadOnlyCredentials
from fake_providers.bedrock import Embeds, Fails, FakeBedrock, FakeCredentials, Grant, Says, Secret
from llm_gateway.canonical import EmbeddingRequest, Message, Request, Text
from llm_gateway.errors import UpstreamCredentials
from llm_gateway.net.proxy import NoProxy, Proxies, proxy_of
from llm_gateway.net.transport import Transport
from llm_gateway.providers.aws.bedrock import AwsSigner, BedrockEmbedder, BedrockProvider
from llm_gateway.providers.aws.credentials import AwsCredentials, chain
from service_kit.testing import running

from tests.certificates import Authority
from tests.llm_gateway import values
from tests.peers import listening
from tests.proxy import basic, proxying
from tests.waiting import eventually

REGION = "us-west-2"
NOVA = "us.amazon.nova-pro-v1:0"
PROFILE_ARN = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/a/b:c~d"
ASK = Request(model="x", messages=(Message(role="user", content=(Text(text="Hola, ñandú"),)),))
FIRST = Grant()
SECOND = Grant("ASIASECOND", "second", "token-of-second")
SOON = replace(FIRST, seconds=60)
"""Valid, but within the quarter of an hour in which botocore thinks of renewing."""

NOWHERE = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
KNOWN = {
    "AKIDENV": Secret("s3cr3t/+"),
    FIRST.key_id: Secret(FIRST.secret, FIRST.token),
    SECOND.key_id: Secret(SECOND.secret, SECOND.token),
}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s3cr3t/+"}


def credentials_of(environ: Mapping[str, str], *, instance_role: bool = False) -> AwsCredentials:
    return AwsCredentials(chain(environ, REGION, instance_role=instance_role))


def model_at(url: str, id_: str = NOVA, **headers: str):
    endpoint = values.endpoint(
        "aws", dialect="bedrock", base_url=url, path="/model/{id}/converse", stream_path="/model/{id}/converse-stream",
        embeddings_path="/model/{id}/invoke", headers=headers,
    )  # fmt: skip
    return values.model(id_, "aws", endpoint=endpoint, timeouts=values.TIMEOUTS)


@asynccontextmanager
async def provider(credentials: AwsCredentials) -> AsyncIterator[BedrockProvider]:
    transport = Transport(max_connections=10, max_bytes=1_000_000)
    async with transport.running():
        yield BedrockProvider(transport, credentials, REGION)


@asynccontextmanager
async def container(*grants: Grant, pause: float = 5) -> AsyncIterator[tuple[FakeCredentials, AwsCredentials]]:
    """Credentials from a container's server that hands out `grants`."""
    server = FakeCredentials(*grants)
    async with running(server) as url:
        environ = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/role",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let-me-in",
        }
        yield server, AwsCredentials(chain({**NOWHERE, **environ}, REGION, instance_role=False), pause=pause)


# --- signatures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", [NOVA, PROFILE_ARN, "imported model/ñ %2F"])
async def test_our_signatures_are_taken(id_: str):
    fake = FakeBedrock(Says("sí"), Says("sí"), credentials=KNOWN)
    async with running(fake) as url, provider(credentials_of(KEYS)) as bedrock:
        model = model_at(url, id_)
        assert (await bedrock.complete(ASK, model)).content == (Text(text="sí"),)
        assert [event async for events in bedrock.stream(ASK, model) for event in events]
    fake.check()
    assert fake.calls[0].headers["content-type"] == "application/json"


async def test_a_session_token_goes_along():
    fake = FakeBedrock(Says("sí"), credentials=KNOWN)
    environ = {
        "AWS_ACCESS_KEY_ID": FIRST.key_id, "AWS_SECRET_ACCESS_KEY": FIRST.secret, "AWS_SESSION_TOKEN": FIRST.token,
    }  # fmt: skip
    async with running(fake) as url, provider(credentials_of(environ)) as bedrock:
        assert await bedrock.complete(ASK, model_at(url))
    assert fake.calls[0].headers["x-amz-security-token"] == FIRST.token


async def test_wrong_keys_are_our_failure_and_tell_nothing():
    fake = FakeBedrock(credentials=KNOWN)
    async with running(fake) as url, provider(credentials_of({**KEYS, "AWS_SECRET_ACCESS_KEY": "wrong"})) as bedrock:
        with pytest.raises(UpstreamCredentials) as caught:
            await bedrock.complete(ASK, model_at(url))
    assert (caught.value.status, caught.value.code) == (502, "upstream_credentials")
    assert caught.value.detail == "403 InvalidSignatureException"  # its words repeat the request, token and all


async def test_an_api_key_needs_no_signature():
    fake = FakeBedrock(Says("sí"), keys=["bedrock-api-key"])
    async with running(fake) as url, provider(credentials_of({})) as bedrock:
        await bedrock.complete(ASK, model_at(url, authorization="Bearer bedrock-api-key"))
    assert "x-amz-date" not in fake.calls[0].headers


async def test_embeddings_are_signed_too():
    fake = FakeBedrock(Embeds(2), Embeds(2), credentials=KNOWN)
    transport = Transport(max_connections=10, max_bytes=1_000_000)
    async with running(fake) as url, transport.running():
        embedder = BedrockEmbedder(transport, credentials_of(KEYS), REGION)
        model = model_at(url, "amazon.titan-embed-text-v2:0")
        result = await embedder.embed(EmbeddingRequest(model="x", inputs=("a", "bb")), model)
    assert [list(vector) for vector in result.vectors] == [[1.0, 0.5], [2.0, 0.5]]
    fake.check()


def test_signing_is_cheap():
    """The least of several rounds, generously bounded: 100 µs is what it takes on a quiet machine."""
    signer = AwsSigner(credentials_of({}), REGION)
    frozen = ReadOnlyCredentials("AKIDENV", "s3cr3t/+", None, None)
    url, body = f"https://bedrock-runtime.{REGION}.amazonaws.com/model/us.amazon.nova-pro-v1%3A0/converse", b"x" * 1000
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(100):
            signer.signed(frozen, url, body)
        rounds.append((time.perf_counter() - began) / 100)
    assert min(rounds) < 400e-6


# --- the chain -------------------------------------------------------------------------------------------


async def test_a_profile_of_the_shared_files(tmp_path: Path):
    shared = tmp_path / "credentials"
    shared.write_text("[work]\naws_access_key_id = AKIDENV\naws_secret_access_key = s3cr3t/+\n")
    environ = {"AWS_PROFILE": "work", "AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_CONFIG_FILE": "/nonexistent"}
    assert (await credentials_of(environ).current()).access_key == "AKIDENV"


async def test_a_process(tmp_path: Path):
    said = json.dumps({"Version": 1, "AccessKeyId": "AKIDENV", "SecretAccessKey": "s3cr3t/+"})
    (tmp_path / "says.py").write_text(f"print({said!r})")
    config = tmp_path / "config"
    config.write_text(f"[profile work]\ncredential_process = {sys.executable} {tmp_path / 'says.py'}\n")
    environ = {"AWS_PROFILE": "work", "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    assert (await credentials_of(environ).current()).secret_key == "s3cr3t/+"


async def test_a_container():
    async with container(FIRST) as (server, credentials):
        assert await credentials.current() == ReadOnlyCredentials(FIRST.key_id, FIRST.secret, FIRST.token, None)
    assert server.asked == ["let-me-in"]


async def test_a_web_identity(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("the-cluster's-word")
    server = FakeCredentials(FIRST)
    async with running(server) as url:
        environ = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gateway",
            "AWS_ENDPOINT_URL_STS": url, **NOWHERE,
        }  # fmt: skip
        frozen = await credentials_of(environ).current()
    assert (frozen.access_key, frozen.token) == (FIRST.key_id, FIRST.token)
    assert server.asked == ["the-cluster's-word"]


@pytest.mark.parametrize("direct", [False, True])
async def test_a_role_is_assumed_through_the_proxy_unless_sts_is_reached_directly(tmp_path: Path, direct: bool):
    token = tmp_path / "token"
    token.write_text("the-cluster's-word")
    server = FakeCredentials(FIRST)
    async with running(server) as url, proxying(wants=basic("user", "p@ss")) as proxy:
        sts = url if direct else url.replace("127.0.0.1", "sts.test")  # which only the proxy finds
        environ = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gateway",
            "AWS_ENDPOINT_URL_STS": sts, **NOWHERE,
        }  # fmt: skip
        ways = Proxies(http=proxy_of(f"http://user:p%40ss@127.0.0.1:{proxy.port}"), no=NoProxy(["127.0.0.0/8"]))
        found = await AwsCredentials(chain(environ, REGION, instance_role=False, proxies=ways)).current()
    assert found.access_key == FIRST.key_id
    assert proxy.asked == ([] if direct else [f"POST {sts}/"])


async def test_aws_is_trusted_by_the_authorities_of_the_settings(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("the-cluster's-word")
    authority = Authority(tmp_path)

    async def sts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        came.append(head.split(" ")[0])
        writer.write(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    came: list[str] = []
    async with listening(sts, tls=authority.serving("localhost")) as port:
        environ = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gateway",
            "AWS_ENDPOINT_URL_STS": f"https://localhost:{port}", **NOWHERE,
        }  # fmt: skip
        for bundle, calls in ((None, []), (str(authority.file), ["POST"])):
            load = chain(environ, REGION, instance_role=False, ca_bundle=bundle)
            with pytest.raises(UpstreamCredentials):
                await AwsCredentials(load).current()
            assert came == calls


async def test_an_instances_server_is_not_asked_through_a_proxy(tmp_path: Path):
    """botocore reads the proxy of the process itself here, so this takes a process of its own."""
    program = """
import asyncio, sys
from llm_gateway.providers.aws.credentials import AwsCredentials, chain
environ = {"AWS_CONFIG_FILE": sys.argv[1], "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
print(asyncio.run(AwsCredentials(chain(environ, "us-west-2", instance_role=True)).current()).access_key)
"""
    config = tmp_path / "config"
    async with running(FakeCredentials(FIRST)) as url, proxying() as proxy:
        config.write_text(f"[default]\nec2_metadata_service_endpoint = {url}/\n")
        environ = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "http_proxy": f"http://127.0.0.1:{proxy.port}"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(config), env=environ, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert (out.decode().strip(), proxy.asked) == (FIRST.key_id, [])


async def test_variables_come_before_the_container():
    async with container(FIRST) as (server, _):
        environ = {**KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/never"}
        assert (await credentials_of(environ).current()).access_key == "AKIDENV"
    assert server.asked == []


@pytest.mark.parametrize(
    "environ",
    [
        NOWHERE,
        {**NOWHERE, "AWS_PROFILE": "missing"},
        {**NOWHERE, "AWS_ACCESS_KEY_ID": "AKIDENV"},
        {**NOWHERE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"},
        {**NOWHERE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"},
        {**NOWHERE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.org/not-allowed"},
    ],
    ids=["none", "no such profile", "half a key", "no token file", "no role", "a host that is not allowed"],
)
async def test_no_credentials_is_our_failure(environ: dict[str, str]):
    credentials = credentials_of(environ)
    for _ in range(2):  # the second time nothing is tried so soon again
        with pytest.raises(UpstreamCredentials) as caught:
            await credentials.current()
        assert caught.value.code == "upstream_credentials"


async def test_the_instance_is_asked_only_when_told_so():
    server = FakeCredentials(FIRST)
    async with running(server) as url:
        environ = {**NOWHERE, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
        with pytest.raises(UpstreamCredentials):
            await credentials_of(environ).current()
        assert server.asked == []
        assert (await credentials_of(environ, instance_role=True).current()).access_key == FIRST.key_id
        assert server.asked == ["session-token"]


# --- renewal ---------------------------------------------------------------------------------------------


async def settled(server: FakeCredentials, calls: int) -> None:
    await eventually(lambda: len(server.asked) >= calls)


async def test_credentials_are_asked_for_once_by_many():
    hold = asyncio.Event()
    async with container(replace(FIRST, hold=hold)) as (server, credentials):
        waiting = [asyncio.create_task(credentials.current()) for _ in range(20)]
        await settled(server, 1)
        hold.set()
        assert {one.access_key for one in await asyncio.gather(*waiting)} == {FIRST.key_id}
    assert len(server.asked) == 1


async def test_lasting_ones_are_not_asked_for_again():
    async with container(FIRST) as (server, credentials):
        for _ in range(5):
            await credentials.current()
    assert len(server.asked) == 1


async def test_renewal_goes_on_behind_requests_that_still_have_valid_ones():
    """The server hands out credentials that end soon, then is slow: nobody waits, and the new ones are taken up."""
    hold = asyncio.Event()
    # botocore renews what ends so soon while it loads it: the first two grants go there.
    async with container(SOON, SOON, replace(SECOND, hold=hold), pause=0) as (server, credentials):
        for _ in range(10):
            began = time.perf_counter()
            assert (await credentials.current()).access_key == FIRST.key_id
            assert time.perf_counter() - began < 3
        hold.set()

        async def renewed() -> bool:
            return (await credentials.current()).access_key == SECOND.key_id

        await eventually(renewed)
    assert len(server.asked) == 3  # one attempt, however many asked


async def test_stale_credentials_are_replaced():
    """AWS says that a token has expired, which we thought was good: the next request has another one."""
    fake = FakeBedrock(Fails("ExpiredTokenException"), Says("sí"), credentials=KNOWN)
    async with (
        container(FIRST, SECOND, pause=0) as (server, credentials),
        running(fake) as url,
        provider(credentials) as bedrock,
    ):
        with pytest.raises(UpstreamCredentials) as caught:
            await bedrock.complete(ASK, model_at(url))
        assert caught.value.code == "upstream_credentials_stale"
        assert await bedrock.complete(ASK, model_at(url))
    assert len(server.asked) == 2
    assert [call.headers["x-amz-security-token"] for call in fake.calls] == [FIRST.token, SECOND.token]


async def test_access_that_is_denied_says_nothing_about_the_credentials():
    fake = FakeBedrock(Fails("AccessDeniedException"), Says("sí"))
    async with (
        container(FIRST, SECOND, pause=0) as (server, credentials),
        running(fake) as url,
        provider(credentials) as bedrock,
    ):
        with pytest.raises(UpstreamCredentials):
            await bedrock.complete(ASK, model_at(url))
        await bedrock.complete(ASK, model_at(url))
    assert len(server.asked) == 1


async def test_a_slow_credential_server_holds_nobody_else_up():
    """Its answer is waited for in a thread: the loop goes on."""
    hold = asyncio.Event()
    async with container(replace(FIRST, hold=hold)) as (server, credentials):
        waiting = asyncio.create_task(credentials.current())
        await settled(server, 1)
        other = FakeBedrock(Says("sí"), credentials=KNOWN)
        async with running(other) as url, provider(credentials_of(KEYS)) as bedrock:
            async with asyncio.timeout(8):
                assert await bedrock.complete(ASK, model_at(url))
        assert not waiting.done()
        hold.set()
        assert (await waiting).access_key == FIRST.key_id


async def test_who_gives_up_waiting_does_not_end_the_attempt():
    hold = asyncio.Event()
    async with container(replace(FIRST, hold=hold)) as (server, credentials):
        impatient = asyncio.create_task(credentials.current())
        await settled(server, 1)
        impatient.cancel()
        patient = asyncio.create_task(credentials.current())
        with pytest.raises(asyncio.CancelledError):
            await impatient
        await asyncio.sleep(0)  # the other one waits now
        hold.set()
        assert (await patient).access_key == FIRST.key_id
    assert len(server.asked) == 1
