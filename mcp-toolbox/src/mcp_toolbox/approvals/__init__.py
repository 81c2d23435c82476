"""Approvals: a person is asked before a destructive tool runs."""
