"""The resources and prompts of another server, under names that no other server's can take.

A prompt is called `server__prompt`, as a tool is. The server's name goes before the scheme of a resource's URI,
`server+file:///notes.txt`, so that the URI of the server is read off it, whether it was listed, comes from a template,
or stood in the result of a tool.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from mcp import Client, MCPError, types
from mcp.types import METHOD_NOT_FOUND
from pydantic import ValidationError
from pydantic_core import to_json

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.context import CallContext, Suggest
from mcp_toolbox.registry.prompts import Argument, Message, Prompt
from mcp_toolbox.registry.resources import Resource
from mcp_toolbox.upstream.names import tool_names
from mcp_toolbox.upstream.result_text import visible, without_scripts
from mcp_toolbox.upstream.sanitize import cleaned, shortened
from mcp_toolbox.upstream.spec import ServerSpec

MOST_LISTED = 1_000
"""Of a server's resources, of its templates, and of its prompts."""

_MAX_PAGES = 100
_LIST_SECONDS = 10.0
"""Of each list; changes of the tools are heard again only after it."""

_MAX_NAME = 200
_VARIABLES = re.compile(r"\{[+#./;?&]?([\w,]+)\*?\}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WEB = re.compile(r"https?:", re.IGNORECASE)
_PLAIN = "text/plain"

T = TypeVar("T")
Page = Callable[[str | None], Awaitable[tuple[Iterable[T], str | None]]]
Ask = Callable[[Callable[[Client], Awaitable[T]]], Awaitable[T]]


@dataclass(frozen=True)
class Listed:
    """The resources and prompts of a server, and the problems of others."""

    resources: tuple[Resource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Family(Resource):
    """All resources of a server, whether it lists them or not: the registry reads them through this one, whose key
    comes before theirs."""

    @property
    def is_listed(self) -> bool:
        return False

    def match(self, uri: str) -> dict[str, str] | None:
        return {"uri": uri} if uri.startswith(self.uri) else None


class ResourcesAndPrompts:
    """Lists the resources and prompts of one server, and forwards what clients ask of them. `client_of` returns the
    connected client, or None while the server is away."""

    def __init__(self, spec: ServerSpec, client_of: Callable[[], Client | None]) -> None:
        self._spec = spec
        self._client_of = client_of
        self._reads = False
        self._scheme = f"{spec.prefix.replace('_', '-').lower()}+"
        # A URI may be any, so that only a list with the whole server allows one.
        self._access = f"{spec.prefix}__*"

    async def listed(self, client: Client) -> Listed:
        """Returns what the server lists now. A list that it refuses is a problem, and costs the other lists nothing."""
        offered, problems = client.server_capabilities, list[str]()
        seconds = min(self._spec.limits.connect_seconds, _LIST_SECONDS)
        completes = offered.completions is not None
        self._reads = offered.resources is not None

        async def every(what: str, page: Page[T]) -> list[T]:
            try:
                with anyio.fail_after(seconds):
                    return await _every(page)
            except TimeoutError:
                problems.append(f"did not list its {what} within {seconds:g} s")
            except MCPError as error:
                if error.code != METHOD_NOT_FOUND:
                    problems.append(f"does not list its {what}")
            except (ValidationError, ValueError):
                problems.append(f"its list of {what} is not one of MCP")
            return []

        resources: list[Resource] = []
        if self._reads:
            plain = await every("resources", _resources(client))
            templates = await every("resource templates", _templates(client))
            resources = self._resources(plain, templates, completes=completes)
        prompts = await every("prompts", _prompts(client)) if offered.prompts is not None else []
        return Listed(tuple(resources), tuple(self._prompts(prompts, completes=completes)), tuple(problems))

    def renamed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Returns a content block of MCP with the URI at which its resource is read from the toolbox: that of a page
        of the web stays, which anybody can open, and so do all of a server without resources."""
        uri = content.get("uri")
        if isinstance(uri, str):
            return {**content, "uri": self._ours(uri)} if self._reads and not _WEB.match(uri) else content
        if isinstance(resource := content.get("resource"), dict):
            return {**content, "resource": self.renamed(resource)}
        return content

    def _ours(self, uri: str) -> str:
        return f"{self._scheme}{uri}" if _SCHEME.match(uri) else uri

    # --- resources ---

    def _resources(
        self, plain: Iterable[types.Resource], templates: Iterable[types.ResourceTemplate], *, completes: bool
    ) -> list[Resource]:
        found: dict[str, Resource] = {}
        for entry in plain:
            found.setdefault(str(entry.uri), self._resource(str(entry.uri), entry))
        for entry in templates:
            found.setdefault(entry.uri_template, self._resource(entry.uri_template, entry, completes=completes))
        family = _Family(self._scheme, self._spec.name, "", _PLAIN, self._read, access=self._access)
        return [family, *(resource for uri, resource in found.items() if _SCHEME.match(uri))]

    def _resource(
        self, uri: str, entry: types.Resource | types.ResourceTemplate, *, completes: bool = False
    ) -> Resource:
        reference = types.ResourceTemplateReference(type="ref/resource", uri=uri)
        variables = [name for group in _VARIABLES.findall(uri) for name in group.split(",")] if completes else []
        return Resource(
            self._ours(uri),
            f"{self._spec.prefix}__{_text(entry.name, _MAX_NAME)}",
            _text(entry.description),
            _text(entry.mime_type, _MAX_NAME) or _PLAIN,
            self._read,
            title=_text(entry.title, _MAX_NAME) or None,
            complete={name: self._suggest(reference, name) for name in variables},
            access=self._access,
        )

    async def _read(self, variables: Mapping[str, str], context: CallContext) -> list[dict[str, Any]]:
        uri = variables["uri"].removeprefix(self._scheme)
        answer = await self._ask(lambda client: client.read_resource(uri, cache_mode="bypass"))
        return [{**content, "uri": self._ours(content["uri"])} for content in self._wire(answer)["contents"]]

    # --- prompts ---

    def _prompts(self, listed: Iterable[types.Prompt], *, completes: bool) -> Iterable[Prompt]:
        unique = {prompt.name: prompt for prompt in listed}
        for name, ours in tool_names(self._spec.prefix, unique).items():
            prompt, reference = unique[name], types.PromptReference(type="ref/prompt", name=name)
            yield Prompt(
                ours,
                _text(prompt.description),
                self._write(name),
                title=_text(prompt.title, _MAX_NAME) or None,
                arguments=tuple(
                    Argument(
                        argument.name,
                        _text(argument.description),
                        required=bool(argument.required),
                        complete=self._suggest(reference, argument.name) if completes else None,
                    )
                    for argument in prompt.arguments or ()
                ),
                access=ours,
            )

    def _write(self, name: str) -> Callable[[Mapping[str, str], CallContext], Awaitable[list[Message]]]:
        async def write(given: Mapping[str, str], context: CallContext) -> list[Message]:
            answer = await self._ask(lambda client: client.get_prompt(name, dict(given)))
            messages = self._wire(answer)["messages"]
            return [{**message, "content": self.renamed(without_scripts(message["content"]))} for message in messages]

        return write

    def _suggest(self, of: types.PromptReference | types.ResourceTemplateReference, argument: str) -> Suggest:
        async def suggest(typed: str, context: CallContext) -> list[str]:
            answer = await self._ask(lambda client: client.complete(of, {"name": argument, "value": typed}))
            return visible(list(answer.completion.values))[0]

        return suggest

    # --- asking ---

    async def _ask(self, request: Callable[[Client], Awaitable[T]]) -> T:
        """Returns the server's answer to `request`.

        Raises:
            ToolFailedError: it is away, refuses, takes too long, or answers what is not MCP.
        """
        client, seconds = self._client_of(), self._spec.limits.call_seconds
        if client is None:
            raise self._failed("is away; it is being connected again")
        try:
            with anyio.fail_after(seconds):
                return await request(client)
        except TimeoutError:
            raise self._failed(f"did not answer within {seconds:g} s") from None
        except MCPError as error:
            raise self._failed(f"refused: {shortened(cleaned(error.message)[0], _MAX_NAME)}") from None
        except (ValidationError, ValueError):
            raise self._failed("answered something that is not a result of MCP") from None
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError):
            raise self._failed("left before it had answered") from None

    def _wire(self, answer: Any) -> dict[str, Any]:
        wire, _ = visible(answer.model_dump(by_alias=True, mode="json", exclude_none=True))
        if len(to_json(wire)) > self._spec.limits.result_bytes:
            raise self._failed(f"answered more than {self._spec.limits.result_bytes} bytes, which are passed on")
        return wire

    def _failed(self, what: str) -> ToolFailedError:
        return ToolFailedError(f"The MCP server '{self._spec.name}' {what}.")


async def _every(page: Page[T]) -> list[T]:
    entries: list[T] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        more, cursor = await page(cursor)
        entries += more
        if not cursor or len(entries) >= MOST_LISTED:
            break
    return entries[:MOST_LISTED]


def _resources(client: Client) -> Page[types.Resource]:
    async def page(cursor: str | None) -> tuple[Iterable[types.Resource], str | None]:
        answer = await client.list_resources(cursor=cursor, cache_mode="bypass")
        return answer.resources, answer.next_cursor

    return page


def _templates(client: Client) -> Page[types.ResourceTemplate]:
    async def page(cursor: str | None) -> tuple[Iterable[types.ResourceTemplate], str | None]:
        answer = await client.list_resource_templates(cursor=cursor, cache_mode="bypass")
        return answer.resource_templates, answer.next_cursor

    return page


def _prompts(client: Client) -> Page[types.Prompt]:
    async def page(cursor: str | None) -> tuple[Iterable[types.Prompt], str | None]:
        answer = await client.list_prompts(cursor=cursor, cache_mode="bypass")
        return answer.prompts, answer.next_cursor

    return page


def _text(said: str | None, most: int | None = None) -> str:
    text = cleaned(said or "")[0]
    return shortened(text) if most is None else shortened(text, most)
