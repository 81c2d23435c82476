"""The ways in: MCP over HTTP and standard streams, and plain REST."""
