"""Wrong keys slow down their address, and the table of addresses is bounded."""

from __future__ import annotations

from service_kit.auth import wrong_keys
from service_kit.auth.wrong_keys import WrongKeys


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_few_are_free_and_then_each_takes_longer_up_to_a_bound():
    keys = WrongKeys(Clock())
    assert [keys.count("a") for _ in range(13)] == [0, 0, 0, 0, 0, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert keys.count("b") == 0


def test_a_quiet_minute_is_forgiven():
    clock = Clock()
    keys = WrongKeys(clock)
    for _ in range(10):
        keys.count("a")
    clock.now = 61
    assert keys.count("a") == 0


def test_the_table_is_bounded():
    keys = WrongKeys(Clock())
    for number in range(10_000):
        keys.count(str(number))
    assert len(keys._seen) == wrong_keys._ADDRESSES  # pyright: ignore[reportPrivateUsage]
