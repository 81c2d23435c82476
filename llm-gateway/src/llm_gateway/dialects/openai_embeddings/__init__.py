"""OpenAI's embeddings: served to clients (`server`), and asked of providers (`client`).

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

NAME = "openai_embeddings"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
