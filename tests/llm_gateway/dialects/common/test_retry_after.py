"""Retry-After in every form that providers send, and in those that mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.dialects.common.retry_after import retry_after

SENT = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after-ms": "1200"}, 1.2),
        ({"retry-after-ms": "1200", "retry-after": "60"}, 1.2),
        ({"retry-after-ms": "soon", "retry-after": "60"}, 60.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after-ms": "0", "retry-after": "2"}, 2.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "999999999"}, 86_400.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        # dates: by the clock of whoever sent them
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": SENT}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-26 07:29:00 GMT", "date": SENT}, 60.0),
        ({"retry-after": "Wed Oct 21 07:29:00 2026", "date": SENT}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": SENT}, None),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:30 GMT", "date": SENT}, 86_400.0),
        ({"retry-after": "Wed, 21 Oct 2026 09:28:10 +0200", "date": SENT}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "today"}, None),
        ({"retry-after": "Wed, 41 Oct 2026 07:28:30 GMT", "date": SENT}, None),
    ],
)
def test_what_is_said_is_understood(headers: dict[str, str], seconds: float | None):
    found = retry_after(headers)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text(max_size=40)))
def test_nothing_that_a_header_says_breaks_it(headers: dict[str, str]):
    found = retry_after(headers)
    assert found is None or 0 < found <= 86_400
