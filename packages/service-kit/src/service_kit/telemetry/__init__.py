"""Telemetry: logs of the service and of its requests."""
