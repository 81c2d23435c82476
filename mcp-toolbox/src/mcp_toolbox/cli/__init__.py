"""The command of `make mcp`: lists, calls and checks MCP servers from a terminal."""
