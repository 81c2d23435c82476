"""OpenAI's Responses without a store behind them, served to clients (`server`).

Source: https://platform.openai.com/docs/api-reference/responses and the models of the official client.
"""

NAME = "openai_responses"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
