"""What the dialects share when they read a provider's answer: odd JSON, counts of tokens, failures."""
