"""A kept entry and what is known of it, as both levels hold it."""

from __future__ import annotations

import msgspec

from llm_gateway.cache.compression import COMPRESS_FROM_BYTES, compress, decompress


class Labels(msgspec.Struct, frozen=True, gc=False):
    """What an entry can be found by besides its key: the catalog's name of the model, and the question's tag."""

    model: str = ""
    prompt: bytes = b""


NO_LABELS = Labels()


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry as it is stored. `stored_at` is in seconds since 1970, `ttl` in seconds.

    Entries from `COMPRESS_FROM_BYTES` on are compressed.
    """

    data: bytes
    compressed: bool
    stored_at: float
    ttl: float
    labels: Labels

    @classmethod
    def of(cls, entry: bytes, stored_at: float, ttl: float, labels: Labels = NO_LABELS) -> Kept:
        """Returns `entry` in the form in which it is stored."""
        if len(entry) < COMPRESS_FROM_BYTES:
            return cls(entry, False, stored_at, ttl, labels)
        return cls(compress(entry), True, stored_at, ttl, labels)

    def entry(self) -> bytes | None:
        """Returns the entry's own bytes, or None if they cannot be read any more."""
        return decompress(self.data) if self.compressed else self.data


class Selector(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which entries are meant: those that fit every field which is set, or all where none is."""

    key: bytes | None = None
    model: str | None = None
    prompt: bytes | None = None

    def selects(self, key: bytes, labels: Labels) -> bool:
        """Returns whether the entry of `key` with these labels is meant."""
        return (
            (self.key is None or self.key == key)
            and (self.model is None or self.model == labels.model)
            and (self.prompt is None or self.prompt == labels.prompt)
        )


EVERYTHING = Selector()
