"""Limits on the arguments of tools."""

MAX_TEXT = 100_000
"""In characters of one text argument: more than a model writes, and few enough to process in a millisecond."""
