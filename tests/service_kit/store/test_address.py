from __future__ import annotations

from pathlib import Path

import pytest
from service_kit.store.address import DatabaseAddress


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_addresses_of_hosting_providers_are_understood(scheme: str):
    address = DatabaseAddress.postgres(f"{scheme}://ana:p%40ss@db.example:6543/main?sslmode=require")
    assert address.is_postgres
    assert (address.url.drivername, address.url.password) == ("postgresql+psycopg", "p@ss")
    assert dict(address.url.query) == {"sslmode": "require"}
    assert address.file is None


@pytest.mark.parametrize("query", ["", "?password=hidden&sslpassword=hidden"])
def test_what_a_log_may_have_holds_no_password(query: str):
    shown = DatabaseAddress.postgres(f"postgres://ana:hidden@db.example/main{query}").shown
    assert "hidden" not in shown
    assert "db.example/main" in shown


@pytest.mark.parametrize(
    "wrong", ["", "mysql://a/b", "db.example/main", "postgres://u:hidden@host:port/db", "sqlite://"]
)
def test_what_is_no_address_is_refused_without_repeating_it(wrong: str):
    with pytest.raises(ValueError, match="is not an address") as refused:
        DatabaseAddress.postgres(wrong)
    assert "hidden" not in str(refused.value)


def test_a_file_may_lie_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert DatabaseAddress.sqlite("~/data/suite.db").file == tmp_path / "data" / "suite.db"
