"""One suite for all tests that only ask it questions."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.suite import UpProcess, starting


@pytest.fixture(scope="session")
def suite() -> Iterator[UpProcess]:
    """The suite on a machine without any key."""
    with starting() as up:
        up.wait_until_up()
        yield up


@pytest.fixture
def http(suite: UpProcess) -> Iterator[httpx.Client]:
    """A client of the HTTP agent."""
    with httpx.Client(base_url=suite.http, timeout=30) as client:
        yield client
