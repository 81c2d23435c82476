"""What the toolbox is compared with: a plain server of the same SDK, with the same one tool.

`python -m bench.plain_mcp PORT` serves it over Streamable HTTP.
"""

from __future__ import annotations

import sys

from mcp.server import MCPServer


def serve(port: int) -> None:
    """Serve until the process ends."""
    server = MCPServer("plain", log_level="ERROR")

    @server.tool()
    def add(a: int | float, b: int | float) -> int | float:
        """Add two numbers."""
        return a + b

    server.run("streamable-http", host="127.0.0.1", port=port)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
