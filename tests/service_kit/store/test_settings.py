from __future__ import annotations

import pytest
from service_kit.settings import SettingsError, load
from service_kit.store.settings import RedisSettings

PARTS = {"REDIS_HOST": "valkey", "REDIS_PASSWORD": "p@ss:/w", "REDIS_DB": "2"}


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, None),
        ({"REDIS_URL": "rediss://u:p@h:1/2"}, "rediss://u:p@h:1/2"),
        ({"REDIS_HOST": "valkey"}, "redis://valkey:6379/0"),
        (PARTS, "redis://:p%40ss%3A%2Fw@valkey:6379/2"),
        ({**PARTS, "REDIS_USER": "ñ", "REDIS_PORT": "7000"}, "redis://%C3%B1:p%40ss%3A%2Fw@valkey:7000/2"),
        ({"REDIS_HOST": "::1"}, "redis://[::1]:6379/0"),
        ({**PARTS, "REDIS_URL": "redis://other"}, "redis://other"),
        ({"REDIS_URL": "redis://h", "USE_REDIS": "false"}, None),
    ],
)
def test_an_address_is_whole_or_in_parts(environ: dict[str, str], address: str | None):
    assert load(RedisSettings, environ).redis_address() == address


@pytest.mark.parametrize(
    "environ",
    [
        {"REDIS_URL": "http://:hidden@h"},
        {"REDIS_URL": "hidden"},
        {"REDIS_PORT": "0"},
        {"REDIS_HOST": "a b"},
        {"REDIS_DB": "-1"},
    ],
)
def test_what_means_nothing_names_its_variable(environ: dict[str, str]):
    with pytest.raises(SettingsError, match=next(iter(environ))) as refused:
        load(RedisSettings, environ)
    assert "hidden" not in str(refused.value)
