"""Asking a person before a destructive tool runs."""
