"""OpenAI's chat completions: served to clients (`server`), and spoken to providers (`client`).

Source: https://platform.openai.com/docs/api-reference/chat
"""

NAME = "openai_chat"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
