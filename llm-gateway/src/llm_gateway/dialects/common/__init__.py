"""What several dialects share: reading request bodies, tolerant JSON, usage, errors, Claude's models, OpenAI's
shapes."""

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""The most bytes that one event of a stream may have, unless the transport allows another size."""
