"""Google's Gemini API, spoken to a provider (`client`): `generateContent` and `batchEmbedContents`.

Source: https://ai.google.dev/api/generate-content
"""

NAME = "gemini"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
