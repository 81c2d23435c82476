"""The agent over WebSocket, with a browser chat page."""
