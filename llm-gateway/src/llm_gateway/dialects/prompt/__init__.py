"""The prompt API's dialect, served at `/api/v1/generate` and below, over `/ws` and, as the same fields, over gRPC.

One prompt and at most one system prompt make a request; names are camelCase. An answer says which session it belongs
to, what it used and what it cost.
"""

NAME = "prompt"
"""The dialect of a canonical request that came in it."""
