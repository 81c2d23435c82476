"""The HTTP surfaces: a body is parsed, the gateway called, its answer rendered."""
