"""What the routes about servers and calls read and answer, as `/openapi.json` shows it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_toolbox.server.schemas import Annotations, ServerHealth

_CONFIG = '{"mcpServers": {"notes": {"url": "https://mcp.example.com/mcp"}}}'


class PastedConfig(BaseModel):
    """A config with MCP servers, in the syntax of any editor or assistant that the servers file may have."""

    model_config = ConfigDict(extra="forbid")

    config: str | dict[str, Any] = Field(
        description="The config as text, in which comments and last commas may stand, or as an object.",
        examples=[_CONFIG],
    )


class ConfigToCheck(PastedConfig):
    connect: bool = Field(False, description="Whether to connect to each server, list its tools and let it go.")


class Runs(BaseModel):
    """What a server with a command would run, with its references as they were written."""

    command: str
    args: list[str]
    env: list[str] = Field(description="The names of its variables; values are never told.")
    cwd: str | None = None


class Calls(BaseModel):
    """What a server elsewhere is called at, without user and values of the query."""

    url: str
    headers: list[str] = Field(description="The names of its headers; values are never told.")


class ProblemOfServer(BaseModel):
    code: str = Field(examples=["commands_not_allowed"], description="Stable identifier.")
    message: str


class OfferedTool(BaseModel):
    """A tool of a server that was tried, by the name that it would have here."""

    name: str
    title: str | None = None
    description: str
    annotations: Annotations | None = None
    needs_approval: bool = Field(alias="needsApproval", description="A person is asked before it runs.")


class CheckedServer(BaseModel):
    name: str
    kind: Literal["stdio", "http", "sse"] | None = Field(None, description="None if the entry cannot be read.")
    disabled: bool = False
    runs: Runs | None = None
    calls: Calls | None = None
    problems: list[ProblemOfServer] = Field(description="Why it cannot be added; empty if it can.")
    connected: bool | None = Field(None, description="Whether it listed its tools; None if it was not tried.")
    error: str | None = Field(None, description="Why it could not be connected.")
    notes: list[str] | None = Field(None, description="What is wrong with its tools.")
    tools: list[OfferedTool] | None = None


class CheckedConfig(BaseModel):
    """What is in a pasted config."""

    ok: bool = Field(description="Whether it can be added as it is.")
    servers: list[CheckedServer]
    problems: list[ProblemOfServer] = Field(description="What is wrong with the config as a whole.")
    notes: list[str] = Field(description="Parts of it that have no effect here.")


class ServerState(ServerHealth):
    """A server by its name, as in `/health`."""

    name: str


class KeptServers(BaseModel):
    """What was changed, and where that is kept."""

    names: list[str]
    kept: Literal["file", "memory"] = Field(description="`memory`: until the toolbox ends, since it has no file.")
    comments_lost: bool = Field(description="The file had comments, which it has no longer.")
    servers: list[ServerState]


class RecentCall(BaseModel):
    """One tool call; its arguments are never told."""

    at: float = Field(description="When it ended, in seconds since 1970.")
    tool: str
    server: str | None = Field(description="The server of the tool, None for a tool that is not known.")
    outcome: Literal[
        "ok", "error", "invalid", "unknown", "refused", "rate_limited", "timeout", "cancelled", "input_required"
    ]
    milliseconds: float
    user: str = Field(description="The id of the caller's key or token.")
    end_user: str | None = Field(None, description="The user of the caller's for which it called.")
    transport: str


class RecentCalls(BaseModel):
    """The last calls, the newest first."""

    calls: list[RecentCall]
    of: Literal["all replicas", "this process"]
