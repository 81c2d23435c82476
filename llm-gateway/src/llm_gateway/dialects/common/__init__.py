"""What the dialects share when they read a provider's answer: odd JSON, counts of tokens, failures."""

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""The most that one event of a stream may have, unless the transport allows another size."""
