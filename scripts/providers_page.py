"""Writes `docs/providers.md`: `python scripts/providers_page.py [--check]`.

The matrix comes from the table that its tests assert (`tests/llm_gateway/matrix/cells.py`), the variables from the
built-in catalog, the parameters from what each dialect declares. `--check` only says whether the page is up to date
(exit code 1 when it is not).
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from llm_gateway.canonical.parameters import OPTIONAL
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/providers.md"
CLIENTS = (OpenAIChatClient, AnthropicClient, GeminiClient, BedrockClient)
AWS_VARIABLES = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""Read by the settings, not by a row of the catalog."""

INTRODUCTION = """\
# Providers

<!-- Written by scripts/providers_page.py; edit the tables that it reads, not this page. -->

What a client may rely on, whichever surface it speaks to and whichever provider answers. The tests hold every cell,
over real sockets, with a fake of each provider that speaks its wire format. To add one:
[adding-a-provider.md](adding-a-provider.md).
"""

READING = """\
Each cell holds for {surfaces},
plain and streamed. ✓ is carried, *400* is refused by name for what the provider lacks, — has nothing upstream that
could fail. The model asked is the one under the provider's name; another one of the same provider may do less, and is
then refused in the same way.
"""

ERRORS = """\
An upstream's 400 reaches the client as a 400 with the reason as a code, its 429 as a 429 with its `Retry-After`, its
500 as a 503; each in the form of the surface. A stream that dies midway ends with an explicit error: an `error` object
without `[DONE]`, `response.failed`, or Anthropic's `error` event. What follows a stream's end is no part of the answer,
and an answer whose finish reason has come ends within 2 s whatever is still sent. One event of a stream may be as large
as a whole answer (`UPSTREAM_MAX_BYTES`).

Odd but harmless fields cost no answer: what the vendors' own clients take is taken (numbers as text, empty lists for
empty objects, NaN, a character cut in two). Token counts that cannot be (negative, absurd, no numbers) count as
missing: usage and cost are then `estimated`. A cost is scaled by what was served where the factor is known (`flex`,
Anthropic's fast mode and `inference_geo`), and `estimated` where it is not (`priority`, tools that a provider ran).

A client that leaves ends the upstream's call.

A conversation may change providers between two turns, calls and thoughts included: ids are fitted to the next one's
alphabet, and a signed thought goes back to nobody but to who signed it.
"""

VARIABLES = """\
Variables in **bold** are needed, in every place that the gateway runs; [`.env.example`](../.env.example) explains them.
"""

PARAMETERS = """\
What changes an answer and a provider lacks is a 400 that names it, unless `drop_params` in the catalog, or the header
`x-drop-params` of a request, lets it go. Hints that change no meaning (metadata, caching marks where there are none,
another dialect's own fields) are left out and listed in the response header `x-dropped-params`.
"""


def page() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT))
    try:
        cells: Any = import_module("tests.llm_gateway.matrix.cells")
    finally:
        sys.path.remove(str(ROOT))
    text = files("llm_gateway.catalog").joinpath("catalog.yaml").read_text(encoding="utf-8")
    rows = yaml.safe_load(text)["providers"]
    surfaces = ", ".join(f"`{path}`" for path in cells.PATHS.values())
    parts = (
        INTRODUCTION,
        "## The matrix\n",
        READING.format(surfaces=surfaces),
        _matrix(cells),
        ERRORS,
        "## Configuring one\n",
        VARIABLES,
        _configuration(rows, cells),
        "## Parameters\n",
        PARAMETERS,
        _parameters(rows),
        "## How each API does it\n",
        _ways(cells),
    )
    return "\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# --- the matrix ---


def _matrix(cells: Any) -> str:
    notes: list[str] = []
    rows = [
        ["model", *(f"`{provider.model}`" for provider in cells.PROVIDERS)],
        *(
            [aspect, *(_cell(cells, provider.cell(aspect), notes) for provider in cells.PROVIDERS)]
            for aspect in cells.ASPECTS
        ),
        ["embeddings", *(f"`{provider.embeddings}`" if provider.embeddings else "" for provider in cells.PROVIDERS)],
    ]
    table = _table(["", *(provider.name for provider in cells.PROVIDERS)], rows)
    return table + "\n" + "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1))


def _cell(cells: Any, cell: Any, notes: list[str]) -> str:
    if isinstance(cell, cells.Refused):
        return "400"
    if isinstance(cell, cells.NothingThere):
        return "—"
    if not cell.how:
        return "✓"
    if cell.how not in notes:
        notes.append(cell.how)
    return f"✓ ({notes.index(cell.how) + 1})"


# --- variables ---


def _configuration(rows: dict[str, Any], cells: Any) -> str:
    tested = {provider.name for provider in cells.PROVIDERS}
    table = [
        [
            name,
            _variables(name, row),
            row.get("dialect", "openai_chat"),
            "own column" if name in tested else "as `groq`",
        ]
        for name, row in rows.items()
    ]
    return _table(["provider", "variables", "API", "in the matrix"], table)


def _variables(name: str, row: dict[str, Any]) -> str:
    optional = [row.get("optional_key_variable"), row.get("token_variable")]
    base, has_default = row.get("base_url_variable"), "base_url" in row or name == "aws"
    needed = [*(AWS_VARIABLES if name == "aws" else ()), row.get("key_variable"), None if has_default else base]
    more = [*optional, base if has_default else None]
    shown = [f"**`{variable}`**" for variable in needed if variable] + [
        f"`{variable}`" for variable in more if variable
    ]
    return ", ".join(shown) or "none"


# --- parameters ---


def _parameters(rows: dict[str, Any]) -> str:
    carries = {client.name: client.carries for client in CLIENTS}
    table = [
        [
            f"`{parameter}`",
            *("✓" if parameter in carried else _beyond(rows, name, parameter) for name, carried in carries.items()),
        ]
        for parameter in OPTIONAL
    ]
    return _table(["", *carries], table)


def _beyond(rows: dict[str, Any], dialect: str, parameter: str) -> str:
    """The providers of a dialect that take more than it has."""
    if dialect != "openai_chat":
        return ""
    return ", ".join(name for name, row in rows.items() if parameter in row.get("also_carries", ()))


def _ways(cells: Any) -> str:
    head = ["", "JSON schema", "images", "thinking", "caching marks", "left out"]
    return _table(
        head,
        [[api, way.schema, way.images, way.thinking, way.caching, way.left_out] for api, way in cells.WAYS.items()],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/providers.md from the tests' table.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    wanted = page()
    if parser.parse_args().check:
        return 0 if PAGE.read_text(encoding="utf-8") == wanted else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
