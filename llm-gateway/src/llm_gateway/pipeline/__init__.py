"""The pipeline: one way for answers, streams and vectors, from a request to its record."""
