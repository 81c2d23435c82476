"""Anthropic's Messages, as a client speaks them (`client`) and as a server does (`server`).

Source: https://platform.claude.com/docs/en/api/messages
"""
