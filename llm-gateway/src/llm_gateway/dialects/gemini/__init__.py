"""Google's Gemini in its own REST dialect: generateContent, streamGenerateContent and batchEmbedContents.

`client` is how we speak it to Google; nobody speaks it to us. Source: https://ai.google.dev/api/generate-content
"""
