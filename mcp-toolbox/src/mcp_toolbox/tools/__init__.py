"""The built-in tools. This folder is the registry: a file that defines a function of its own name is a tool.

The function's docstring is what a model reads; its annotations are the schema; `HINTS` says what a client may
assume about it. See `mcp_toolbox.registry.tool`.
"""
