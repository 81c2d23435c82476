"""All network I/O towards providers, and the framings of what they send. Knows nothing of policy."""
