"""Secrets from files: their content is used unchanged, and a file that cannot be used is named in the error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, Field
from service_kit.secret_files import LARGEST_SECRET
from service_kit.settings import Secret, SecretCsv, ServiceSettings, SettingsError, load, secret_variables


class Needy(ServiceSettings):
    token: Secret = Field(alias="TOKEN")
    url: Annotated[Secret, AfterValidator(lambda url: url)] | None = Field(None, alias="STORE_URL")
    state_keys: SecretCsv = Field((), alias="STATE_KEYS")
    servers_file: str | None = Field(None, alias="SERVERS_FILE")
    servers: str | None = Field(None, alias="SERVERS")


def loaded(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return load(Needy, {"TOKEN_FILE": str(path)}).token.get_secret_value()


def test_the_variables_that_hold_secrets_are_found():
    assert secret_variables(Needy) == {"TOKEN", "STORE_URL", "STATE_KEYS", "API_KEYS", "ADMIN_API_KEY"}


@pytest.mark.parametrize(
    "content",
    [b"s3cret", b"s3cret\n", b"s3cret\r\n", b"s3cret\n\n", b"\xef\xbb\xbfs3cret\r\n"],
    ids=["bare", "line", "windows", "lines", "byte order mark"],
)
def test_the_end_of_the_line_is_no_part_of_a_secret(tmp_path: Path, content: bytes):
    assert loaded(tmp_path / "token", content) == "s3cret"


def test_every_variable_that_holds_a_secret_may_come_from_a_file(tmp_path: Path):
    for name, content in {
        "token": "t1",
        "url": "redis://:pw@h",
        "keys": "key-one\noperator:key-two,key-three\n",
    }.items():
        (tmp_path / name).write_text(content)
    environ = {"TOKEN_FILE": "token", "STORE_URL_FILE": "url", "API_KEYS_FILE": "keys", "STATE_KEYS_FILE": "keys"}
    settings = load(Needy, {name: str(tmp_path / file) for name, file in environ.items()})
    assert settings.url is not None and settings.url.get_secret_value() == "redis://:pw@h"
    keys = ["key-one", "operator:key-two", "key-three"]
    assert [key.get_secret_value() for key in settings.api_keys] == keys
    assert [key.get_secret_value() for key in settings.state_keys] == keys


def test_an_empty_variable_is_unset(tmp_path: Path):
    (tmp_path / "token").write_text("from the file")
    assert load(Needy, {"TOKEN": "plain", "TOKEN_FILE": " "}).token.get_secret_value() == "plain"
    assert loaded(tmp_path / "token", b"from the file") == "from the file"
    assert (
        load(Needy, {"TOKEN": "", "TOKEN_FILE": f" {tmp_path / 'token'} "}).token.get_secret_value() == "from the file"
    )


def test_a_file_variable_that_holds_no_secret_keeps_its_meaning():
    settings = load(Needy, {"TOKEN": "t", "SERVERS_FILE": "/nowhere/servers.json"})
    assert (settings.servers_file, settings.servers) == ("/nowhere/servers.json", None)


def test_a_link_is_followed_as_kubernetes_makes_them(tmp_path: Path):
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "token").write_text("s3cret")
    (tmp_path / "token").symlink_to(tmp_path / "..data" / "token")
    assert load(Needy, {"TOKEN_FILE": str(tmp_path / "token")}).token.get_secret_value() == "s3cret"


def mistake(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        load(Needy, environ)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"), (b"\n", "is empty"), (b" \n\t", "is empty"), (b"\xff\xfesecret", "is not UTF-8 text"),
        (b"sec\x00ret", "is not text"), (b"x" * (LARGEST_SECRET + 1), "is larger than"),
    ],
)  # fmt: skip
def test_what_stands_in_it_is_a_mistake(tmp_path: Path, content: bytes, why: str):
    path = tmp_path / "token"
    path.write_bytes(content)
    said = mistake({"TOKEN_FILE": str(path)})
    assert said.startswith(f"TOKEN_FILE: {path} {why}") and "ret" not in said.replace("secret", "")


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path, why in {"missing": "cannot be read: No such file", "": "is not a file", "pipe": "is not a file"}.items():
        said = mistake({"TOKEN_FILE": str(tmp_path / path)})
        assert said.startswith(f"TOKEN_FILE: {tmp_path / path}".rstrip("/")) and why in said
    assert "cannot be read" in mistake({"TOKEN_FILE": "a\x00b"})


def test_both_set_is_a_mistake_and_shows_neither(tmp_path: Path):
    (tmp_path / "token").write_text("in-the-file")
    said = mistake({"TOKEN": "in-the-variable", "TOKEN_FILE": str(tmp_path / "token")})
    assert said.startswith("TOKEN_FILE: TOKEN is set too") and "in-the" not in said


def test_a_key_in_a_file_is_checked_like_any_other(tmp_path: Path):
    (tmp_path / "keys").write_text("good-key\nzq\n")
    said = mistake({"TOKEN": "t", "API_KEYS_FILE": str(tmp_path / "keys")})
    assert said.startswith("API_KEYS: ") and "zq" not in said
