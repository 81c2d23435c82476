"""Anthropic's Messages: served to clients (`server`), and spoken to providers (`client`).

Source: https://platform.claude.com/docs/en/api/messages
"""

NAME = "anthropic"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
