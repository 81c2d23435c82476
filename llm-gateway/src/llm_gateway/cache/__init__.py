"""Kept answers: the key of an equal request, an entry as bytes, and the levels that hold entries."""
