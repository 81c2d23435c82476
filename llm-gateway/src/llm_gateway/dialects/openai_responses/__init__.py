"""OpenAI's Responses, stateless, as a server: what its clients send and expect.

Source: https://platform.openai.com/docs/api-reference/responses and the models of the official client.
"""
