"""The gateway's own dialect, served at `/mcp/llm/generate` (`server`).

Messages have OpenAI's form, except that the arguments of a tool call are an object (`args`). An answer also says which
model and provider gave it, and what it cost.
"""

NAME = "native"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
