"""Dialects: pure translations between bytes and the canonical types, without I/O or clock, one in each package.

A package that serves clients has a `server` module with a ServerDialect; one that speaks to providers has a `client`
module with a ClientDialect, an EmbeddingDialect, or one class that is both. The protocols are in `protocols`.
"""
