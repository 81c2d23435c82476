"""The chat for a terminal: `python -m agent_websocket.chat`."""
