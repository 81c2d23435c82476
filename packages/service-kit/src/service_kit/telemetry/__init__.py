"""Telemetry: the logs of a service and of its requests."""
