"""The garbage collector's settings: it stops the loop for as long as it walks objects, some 1 µs each."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 2_000
_YOUNG_COLLECTIONS = 5
_MIDDLE_COLLECTIONS = 1_000


def settle_garbage_collector() -> None:
    """Call once startup is over: what it made stays for good and need not be walked again.

    From here on collections are small and frequent. A young one walks 2,000 objects at most, a middle one 10,000, so
    that neither stops the loop for more than some 2 ms; with a young generation of 50,000 it was 70 ms. A full one,
    which also walks what the caches hold, comes once in 10 million allocations.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS)
