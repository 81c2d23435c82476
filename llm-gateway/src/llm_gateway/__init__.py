"""One API over every LLM provider; the only holder of credentials."""
