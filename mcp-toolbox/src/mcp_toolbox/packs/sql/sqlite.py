"""A SQLite file, read by a process of its own that cannot write it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp_toolbox.packs._process import ProcessFailed, output_of
from mcp_toolbox.packs.sql.query import Column, DatabaseAway, QueryRefused, QueryTooSlow
from mcp_toolbox.packs.sql.rows import QueryLimits, Rows

_PROGRAM = "mcp_toolbox.packs.sql.sqlite_program"
_MOST_AT_ONCE = 4
_GRACE_SECONDS = 2.0
"""For the process to start, and to end the query by itself."""


class SqliteReader:
    """A `Reader` of a file. It is opened anew for each query, read-only, and each statement is judged while it is
    compiled: nothing but SELECT passes, whatever the file's permissions are."""

    dialect = "SQLite"

    def __init__(self, file: Path, limits: QueryLimits) -> None:
        self._file = file
        self._limits = limits
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def query(self, text: str, most_rows: int) -> Rows:
        limits = QueryLimits(min(most_rows, self._limits.rows), self._limits.bytes, self._limits.seconds)
        answer = await self._answer(text, limits)
        return Rows(limits, answer["columns"], answer["rows"], answer["cut"])

    async def columns(self) -> Sequence[Column]:
        answer = await self._answer("", self._limits)
        return [Column(*names, nullable=bool(null), key=bool(key)) for *names, null, key in answer["rows"]]

    async def _answer(self, query: str, limits: QueryLimits) -> dict[str, Any]:
        arguments = (str(self._file.absolute()), str(limits.seconds), str(limits.rows), str(limits.bytes))
        try:
            async with self._turns:
                seconds = limits.seconds + _GRACE_SECONDS
                output = await output_of(_PROGRAM, *arguments, data=query.encode(), seconds=seconds)
        except TimeoutError:
            raise QueryTooSlow from None
        except ProcessFailed:  # its limits of memory or of processor time
            raise QueryTooSlow from None
        answer = json.loads(output)
        match answer.get("error"):
            case "slow":
                raise QueryTooSlow
            case "away":
                raise DatabaseAway(answer["text"])
            case "refused":
                raise QueryRefused(answer["text"])
        return answer
