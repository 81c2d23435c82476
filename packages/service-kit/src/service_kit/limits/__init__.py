"""Limits: how often a principal may ask, and how much of what is bounded it may hold."""
