"""Runs that outlive the connection that asked for them, and the log of their events."""
