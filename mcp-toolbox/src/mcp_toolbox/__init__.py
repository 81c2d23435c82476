"""A Model Context Protocol server with tools of its own."""
