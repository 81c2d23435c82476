from __future__ import annotations

import json

import pytest
from mcp_toolbox.calls.redaction import HIDDEN, redacted


@pytest.mark.parametrize(
    "name",
    [
        "password", "Passwd", "db_password", "passphrase", "pwd", "client_secret", "secretKey", "access_token", "token",
        "apiKey", "api_key", "API-KEY".replace("-", ""), "privateKey", "credentials", "Authorization", "cookie",
        "contraseña", "clave", "pin", "x_signature",
    ],
)  # fmt: skip
def test_what_is_called_a_secret_is_left_out_at_any_depth(name: str):
    assert redacted({"a": [{"b": {name: {"deep": "s3cr3t"}}}], name: "s3cr3t"}) == {
        "a": [{"b": {name: HIDDEN}}],
        name: HIDDEN,
    }


@pytest.mark.parametrize("name", ["text", "a", "max_tokens", "company", "pinned", "author", "monkey"])
def test_other_names_are_none(name: str):
    assert redacted({name: 5}) == {name: 5}


def test_values_stay_what_they_are():
    values = {"t": "ñ 👋", "i": 5, "f": 0.5, "b": True, "n": None, "l": [1, [2]], "o": {"x": "y"}}
    assert redacted(values) == values


def test_it_is_bounded():
    nested: object = "end"
    for _ in range(500):
        nested = [nested] * 3
    arguments = {
        "long": "x" * 10_000_000,
        "big": 10**5000,
        "many": list(range(10_000)),
        "deep": nested,
        "k" * 5000: 1,
        "wide": {f"k{i}": {f"l{j}": [1] * 20 for j in range(20)} for i in range(20)},
        **{f"more{i}": i for i in range(1000)},
    }
    line = json.dumps(redacted(arguments))
    assert len(line) < 20_000


def test_what_is_no_text_is_made_one():
    line = json.dumps(redacted({"a\ud800": "b\ud800", "c": object()}), ensure_ascii=False)
    line.encode()
    assert "[object]" in line
