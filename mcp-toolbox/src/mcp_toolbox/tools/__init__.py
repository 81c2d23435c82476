"""The built-in tools. This folder is the registry: a file that defines a function with the file's own name is a tool.

Models read the function's docstring; its annotations are the schema; `HINTS` are the properties that clients may rely
on. See `mcp_toolbox.registry.tool`.
"""
