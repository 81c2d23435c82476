"""The route `POST /mcp/tools/search`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from service_kit.auth.principal import principal_in
from starlette.responses import Response

from mcp_toolbox.search.search import DEFAULT_LIMIT, LONGEST_QUERY, MOST, ToolSearch
from mcp_toolbox.server.schemas import ListedTool


class SearchRequest(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY, examples=["suma dos números"])]
    limit: Annotated[int, Field(ge=1, le=MOST)] = DEFAULT_LIMIT


class FoundTool(ListedTool):
    score: float = Field(description="How well it fits; compares within one answer.")


class SearchAnswer(BaseModel):
    """The tools that fit, best first."""

    tools: list[FoundTool]


def add_search_route(app: FastAPI, search: ToolSearch) -> None:
    """Adds the search of tools over plain REST; it is there however many tools there are."""

    @app.post(
        "/mcp/tools/search",
        tags=["REST"],
        summary="Search the tools",
        description="Ranked by the words of names, descriptions and parameters, in Spanish and English.",
        operation_id="search_tools",
        responses={200: {"model": SearchAnswer}},
    )
    async def search_tools(wanted: SearchRequest, request: Request) -> Response:
        found: list[dict[str, Any]] = [
            {**each.tool.to_wire(), "score": round(each.score, 3)}
            for each in search.search(wanted.query, principal_in(request.scope).id, wanted.limit)
        ]
        return Response(to_json({"tools": found}), media_type="application/json")
