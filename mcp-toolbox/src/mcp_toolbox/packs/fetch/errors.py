"""The errors of fetching a page."""

from __future__ import annotations

from typing import Any


class NotFetched(Exception):
    """A page cannot be had. `key` and `values` give its text for the model (`tools.TEXTS`), which tells nothing of the
    internal network; `detail` is for the log."""

    def __init__(self, key: str, detail: str = "", **values: Any) -> None:
        super().__init__(detail or key)
        self.key = key
        self.values = values
        self.detail = detail or key
