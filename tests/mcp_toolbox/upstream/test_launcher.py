"""What the launcher looks at before it gives a server its user."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp_toolbox.upstream.launcher import _interpreters


@pytest.mark.parametrize(
    ("first_line", "named"),
    [
        ("#!/usr/bin/env node\n", ["/usr/bin/env"]),
        ("#! /bin/sh -e\n", ["/bin/sh"]),
        (f"#!{sys.executable}\n", [sys.executable]),
        ("#!\n", []),
        ("print(1)\n", []),
        ("", []),
    ],
)
def test_a_script_names_its_interpreter(tmp_path: Path, first_line: str, named: list[str]):
    script = tmp_path / "server"
    script.write_text(first_line + "x\n", "utf-8")
    assert _interpreters(str(script)) == named


def test_interpreters_that_are_scripts_are_followed_and_no_circle_is(tmp_path: Path):
    inner, outer, circle = tmp_path / "inner", tmp_path / "outer", tmp_path / "circle"
    inner.write_text("#!/bin/sh\n", "utf-8")
    outer.write_text(f"#!{inner}\n", "utf-8")
    circle.write_text(f"#!{circle}\n", "utf-8")
    assert _interpreters(str(outer)) == [str(inner), "/bin/sh"]
    assert set(_interpreters(str(circle))) == {str(circle)}
    assert _interpreters(str(tmp_path / "missing")) == []
    assert _interpreters("/bin/sh") == []
