"""How much a tool takes."""

MAX_TEXT = 100_000
"""Characters in one text argument: far more than a model writes, little enough to handle in a millisecond."""
