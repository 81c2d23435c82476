"""The page of a request's way names files, classes and functions that exist, and tells the stages in their order."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tests.docs.repository import ROOT

GATEWAY = ROOT / "llm-gateway" / "src" / "llm_gateway"
KIT = ROOT / "packages" / "service-kit" / "src"
PAGE = (ROOT / "docs" / "how-a-request-travels.md").read_text()
MOST_LINES = 60

_CODE = re.compile(r"`([^`]+)`")
_STAGE = re.compile(r"\d+\. \*\*([a-z ]+)\*\*")
_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)?")


def _file(path: str) -> Path:
    return (KIT if path.startswith("service_kit/") else GATEWAY) / path


@cache
def _names(file: Path) -> frozenset[str]:
    """The classes, functions, methods (`Class.method`) and types that a file defines."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)))
            found |= {f"{node.name}.{method.name}" for method in methods}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(found)


@cache
def _everywhere() -> frozenset[str]:
    files = (*GATEWAY.rglob("*.py"), *(KIT / "service_kit" / "edge").rglob("*.py"))
    return frozenset(name for file in files for name in _names(file))


def _files() -> list[str]:
    return [code for code in _CODE.findall(PAGE) if code.endswith(".py")]


def _rows() -> list[tuple[str, list[str]]]:
    """Each row's file, and the names of its last column."""
    cells = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ") and ".py`" in line]
    return [(_CODE.findall(file)[0], _CODE.findall(what)) for _, file, what in cells]


def _pairs() -> list[tuple[str, str]]:
    """The names of which the prose says the file: `name` (`file`)."""
    return re.findall(r"`([\w.]+)`\s+\(`([\w/]+\.py)`\)", PAGE)


def _calls(function: ast.AST) -> list[str]:
    """The names that are called in a function, in the order of the text."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    return [node.func.attr for node in calls if isinstance(node.func, ast.Attribute)]


def _method(path: str, class_: str, name: str) -> ast.AST:
    (found,) = (
        method
        for node in ast.parse(_file(path).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == class_
        for method in node.body
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.name == name
    )
    return found


def _in_order(calls: list[str], *names: str) -> bool:
    return [name for name in calls if name in names] == list(names)


def test_every_file_exists():
    assert len(_files()) > 20
    assert [path for path in _files() if not _file(path).is_file()] == []


def test_a_row_names_what_its_file_defines():
    """Words of the vocabulary and of a later file in the same row are checked to exist by the test below."""
    missing = []
    for path, names in _rows():
        defined = _names(_file(path))
        told = [name for name in names if _NAME.fullmatch(name) and name not in _vocabulary() and name not in _beside()]
        missing += [(path, name) for name in told if name not in defined]
    assert not missing


def test_every_name_exists():
    names = {code for code in _CODE.findall(PAGE) if _NAME.fullmatch(code) and not code.endswith(".py")}
    methods = {name.rpartition(".")[2] for name in _everywhere()}
    assert len(names) > 30
    assert {name for name in names if name not in _everywhere() and name not in methods} == set()


def test_prose_names_the_file_that_defines_a_name():
    assert len(_pairs()) > 8
    assert [(name, path) for name, path in _pairs() if name not in _names(_file(path))] == []


def test_the_stages_are_told_in_the_order_of_the_pipeline():
    told = _STAGE.findall(PAGE)
    documented = (ast.get_docstring(ast.parse(_file("pipeline/pipeline.py").read_text())) or "").splitlines()[0]
    assert told == re.sub(r".*: |\.$", "", documented).split(" → ")
    numbers = [int(number) for number in re.findall(r"(\d+)\. \*\*", PAGE)]
    assert numbers == list(range(1, len(told) + 1))


def test_the_pipeline_runs_them_in_that_order():
    enter = _calls(_method("pipeline/pipeline.py", "Pipeline", "enter"))
    assert _in_order(enter, "resolve", "admit", "_look_up", "_share")
    ask = _calls(_method("pipeline/kinds.py", "Generation", "ask"))
    assert _in_order(ask, "complete", "_priced")
    assert _in_order(_calls(_method("pipeline/kinds.py", "Generation", "_ask_stream")), "stream", "_priced")
    assert "settle" in _calls(_method("pipeline/live_call.py", "LiveCall", "_completed"))
    assert _in_order(_calls(_method("pipeline/pipeline.py", "Pipeline", "leave")), "close", "_records")


def test_it_fits_on_one_screen():
    assert len(PAGE.splitlines()) <= MOST_LINES


@cache
def _vocabulary() -> frozenset[str]:
    files = (*(GATEWAY / "canonical").glob("*.py"), GATEWAY / "telemetry" / "record.py")
    return frozenset(name for file in files for name in _names(file))


@cache
def _beside() -> frozenset[str]:
    return frozenset(name for name, _ in _pairs())
