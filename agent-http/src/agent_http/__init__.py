"""The agent over REST and server-sent events."""
