"""The errors of the folder."""

from __future__ import annotations

from typing import Any


class FileRefused(Exception):
    """A path, or what is there, cannot be used. `key` and `values` give the text for the model (`tools.TEXTS`)."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
