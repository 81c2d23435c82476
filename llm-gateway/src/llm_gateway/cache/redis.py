"""The second level: entries in Redis or Valkey, which all replicas share, and the leases by which they ask once.

A store that is away is a miss and never an error. No request waits for it longer than a few milliseconds, and none
while it is known to be away (`service_kit.store.redis`).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from service_kit.background import supervised
from service_kit.store.errors import StoreAway
from service_kit.store.redis import RedisStore, opened_redis
from service_kit.store.redis_address import RedisAddress
from service_kit.telemetry.logs import get_logger

from llm_gateway.cache.kept import EVERYTHING, Kept, Labels, Selector
from llm_gateway.cache.lease import BUSY, Lease

_log = get_logger(__name__)

ANSWER_SECONDS = 0.01
"""The longest wait of a request for the store, unless REDIS_TIMEOUT says otherwise."""
_BEHIND_SECONDS = 1.0
"""The longest wait of what no request waits for."""
LEASE_SECONDS = 5.0
"""After so long without being renewed, a lease ends: its holder has died."""
_MOST_BYTES = 1024 * 1024
"""An entry larger than that stays in its process: it would hold up the commands of all others."""
_SCANNED_AT_ONCE = 500

# The number is that of the entries' form: another release with another form neither reads nor removes these.
_ENTRY, _LEASE, ANNOUNCED = "cache:1:", "cache:lease:", "cache:invalidations"

_LOOK_UP = """
local kept = redis.call('HGET', KEYS[1], 'kept')
if kept then return kept end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


class RedisCache:
    """The entries of one server, for which a request waits at most `answer_seconds`. `running` opens it."""

    def __init__(self, address: RedisAddress, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._address = address
        self._answer_seconds = answer_seconds
        self._store: RedisStore | None = None
        self._leases: dict[bytes, Lease] = {}
        self._refused = False
        self.failures = 0

    @property
    def away(self) -> str | None:
        """Why the server is passed by now, or None."""
        if self._store is None:
            return "it is not opened"
        return self._store.away.reason if self._store.away else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens the server for the length of the block, and renews the leases that this replica holds."""
        async with AsyncExitStack() as stack:
            opened = opened_redis(self._address, timeout_seconds=self._answer_seconds)
            self._store = await stack.enter_async_context(opened)
            stack.callback(self._close)
            leases = supervised("cache leases", self._renew, every_seconds=LEASE_SECONDS / 3)
            await stack.enter_async_context(leases)
            yield

    def _close(self) -> None:
        self._store = None

    # --- what a request asks ---

    async def look_up(self, key: bytes, *, lead: bool = True) -> Kept | Lease | None:
        """Returns the entry under `key`; or a lease, with which this replica has to make it; or `BUSY`, while another
        replica makes it; or None if the store is away, or, without `lead`, has no such entry.

        A lease that the store gave and whose answer came too late ends by itself, since nothing renews it.
        """
        if not lead:
            return _kept(await self._run(lambda client: client.hget(_entry(key), "kept")))
        lease = Lease(key, secrets.token_hex(8))
        arguments = [lease.token, int(LEASE_SECONDS * 1000)]
        found = await self._run(
            lambda client: client.register_script(_LOOK_UP)(keys=[_entry(key), _lease(key)], args=arguments)
        )
        if found == 1:
            self._leases[key] = lease
            return lease
        return BUSY if found == 0 else _kept(found)

    async def release(self, lease: Lease) -> None:
        """Gives a lease back: its entry is there, or will not be."""
        if self._leases.pop(lease.key, None) is not None:
            await self._run(
                lambda client: client.register_script(_RELEASE)(keys=[_lease(lease.key)], args=[lease.token]),
                _BEHIND_SECONDS,
            )

    async def put(self, key: bytes, kept: Kept) -> None:
        """Stores an entry for its time to live."""
        data, expires_ms = _encode(kept), max(1, int(kept.ttl * 1000))
        if len(data) > _MOST_BYTES:
            return

        async def write(client: Redis) -> None:
            async with client.pipeline(transaction=True) as pipeline:
                pipeline.hset(
                    _entry(key),
                    mapping={"kept": data, "model": kept.labels.model, "prompt": kept.labels.prompt},
                )
                pipeline.pexpire(_entry(key), expires_ms)
                await pipeline.execute()

        await self._run(write, _BEHIND_SECONDS)

    async def _renew(self) -> None:
        for lease in list(self._leases.values()):
            await self._run(
                lambda client, lease=lease: client.register_script(_RENEW)(
                    keys=[_lease(lease.key)], args=[lease.token, int(LEASE_SECONDS * 1000)]
                ),
                _BEHIND_SECONDS,
            )

    # --- what an operator asks ---

    async def remove(self, selector: Selector) -> int | StoreAway:
        """Removes the entries that are meant, and returns their number. It walks through all keys, a few at a time."""
        removed, cursor = 0, 0
        while True:
            page = await self._run(
                lambda client, at=cursor: client.scan(at, match=_ENTRY + "*", count=_SCANNED_AT_ONCE),
                _BEHIND_SECONDS,
            )
            if page is None:
                return self._why_away()
            cursor, names = page
            meant = await self._meant(names, selector)
            deleted = (
                await self._run(lambda client, names=meant: client.unlink(*names), _BEHIND_SECONDS) if meant else 0
            )
            if meant is None or deleted is None:
                return self._why_away()
            removed += deleted
            if cursor == 0:
                return removed

    async def _deleted(self, names: list[bytes]) -> int | None:
        return await self._run(lambda client: client.unlink(*names), _BEHIND_SECONDS) if names else 0

    async def _meant(self, names: list[bytes], selector: Selector) -> list[bytes] | None:
        if selector == EVERYTHING or not names:
            return names

        async def labels(client: Redis) -> list[Any]:
            async with client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hmget(name, "model", "prompt")
                return await pipeline.execute()

        found = await self._run(labels, _BEHIND_SECONDS)
        if found is None:
            return None
        prefix = len(_ENTRY)
        return [
            name
            for name, (model, prompt) in zip(names, found, strict=True)
            if selector.selects(bytes.fromhex(name[prefix:].decode()), Labels((model or b"").decode(), prompt or b""))
        ]

    # --- what the replicas tell one another ---

    async def announce(self, selector: Selector) -> str | None:
        """Tells all replicas what is removed. Returns the announcement's id, or None if the store is away."""
        said = {"selector": _encode(selector)}
        found = await self._run(lambda client: client.xadd(ANNOUNCED, said, maxlen=1000), _BEHIND_SECONDS)
        return found.decode() if found is not None else None

    async def announced(self, since: str) -> list[tuple[str, Selector]] | None:
        """Returns the announcements from the one with the id `since` on, which is the first of them unless it is
        forgotten; None if the store is away."""
        found = await self._run(lambda client: client.xrange(ANNOUNCED, since, "+", 500), _BEHIND_SECONDS)
        if found is None:
            return None
        return [(id_.decode(), msgspec.msgpack.decode(said[b"selector"], type=Selector)) for id_, said in found]

    async def _run(self, command: Any, seconds: float | None = None) -> Any:
        """Returns what the command returns, or None if the store is away or refuses it."""
        if self._store is None:
            return None
        try:
            answer = await self._store.run(command, seconds)
        except RedisError as error:  # for example because this user may not run scripts
            self.failures += 1
            if not self._refused:  # not at each request
                _log.warning("the shared cache refuses a command", error=str(error)[:300])
            self._refused = True
            return None
        if isinstance(answer, StoreAway):
            self.failures += 1
            return None
        return answer

    def _why_away(self) -> StoreAway:
        return StoreAway(self._address.shown, self.away or "it did not answer in time")


def _entry(key: bytes) -> str:
    return _ENTRY + key.hex()


def _lease(key: bytes) -> str:
    return _LEASE + key.hex()


def _kept(data: bytes | None) -> Kept | None:
    try:
        return _decode(data) if data else None
    except msgspec.MsgspecError:  # of another release
        return None
