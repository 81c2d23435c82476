"""OpenAI's embeddings, as a server speaks them (`server`) and as a client does (`client`).

Source: https://platform.openai.com/docs/api-reference/embeddings
"""
