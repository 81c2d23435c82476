"""Resources that clients may read, by URI, and templates for families of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import isawaitable
from typing import Any
from urllib.parse import quote, unquote

from mcp_toolbox.registry.context import CallContext, Suggest
from mcp_toolbox.registry.registry import Registry

Contents = str | bytes | list[dict[str, Any]]
"""The contents of a resource: text; bytes, which are sent as base64; or several contents as in MCP, each with its own
URI."""

Read = Callable[[Mapping[str, str], CallContext], Contents | Awaitable[Contents | None] | None]
"""Reads a resource, given the variables of its URI (none for a plain one). Returns None if there is no such
resource."""


@dataclass(frozen=True)
class Resource:
    """A resource, or with `{variables}` in its URI a template for many (RFC 6570, level 1).

    `complete` suggests values of a variable that begin with what was typed. `access` is the name by which a caller must
    be allowed to use it, empty for one that every caller may.
    """

    uri: str
    name: str
    description: str
    mime_type: str
    read: Read = field(compare=False)
    title: str | None = None
    complete: Mapping[str, Suggest] = field(default_factory=dict, compare=False)
    access: str = ""

    @property
    def is_template(self) -> bool:
        return "{" in self.uri

    @property
    def is_listed(self) -> bool:
        return True

    def to_wire(self) -> dict[str, Any]:
        """Returns the entry in `resources/list` or `resources/templates/list`."""
        entry = {
            "uriTemplate" if self.is_template else "uri": self.uri,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
        }
        return {key: value for key, value in entry.items() if value is not None}

    def match(self, uri: str) -> dict[str, str] | None:
        """Returns the variables with which this template gives `uri`, or None if it does not match. A variable does not
        match a `/`."""
        found = self._pattern.fullmatch(uri)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.uri)
        return re.compile("".join(f"(?P<{p}>[^/?#]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


class Resources(Registry[Resource]):
    """The resources that the toolbox offers, in the order of their URIs."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        super().__init__(lambda resource: resource.uri, resources)

    @property
    def plain(self) -> list[Resource]:
        return [each for each in self if each.is_listed and not each.is_template]

    @property
    def templates(self) -> list[Resource]:
        return [each for each in self if each.is_listed and each.is_template]

    async def read(
        self, uri: str, context: CallContext, allowed: Callable[[Resource], bool] = lambda _: True
    ) -> list[dict[str, Any]] | None:
        """Returns the contents of a resource as in the answer to `resources/read`, or None if there is no such resource
        among those that are `allowed`."""
        for resource in self:
            variables = resource.match(uri)
            if variables is not None and allowed(resource):
                contents = resource.read(variables, context)
                contents = await contents if isawaitable(contents) else contents
                return None if contents is None else _to_wire(uri, resource.mime_type, contents)
        return None


def _to_wire(uri: str, mime_type: str, contents: Contents) -> list[dict[str, Any]]:
    if isinstance(contents, list):
        return contents
    held = {"text": contents} if isinstance(contents, str) else {"blob": base64.b64encode(contents).decode()}
    return [{"uri": uri, "mimeType": mime_type, **held}]


def in_uri(text: str) -> str:
    """Returns `text` quoted as the value of a template's variable."""
    return quote(text, safe="")
