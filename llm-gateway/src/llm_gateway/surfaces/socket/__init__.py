"""The prompt API over a WebSocket: `/ws`, on the service's own port and on WS_PORT."""
