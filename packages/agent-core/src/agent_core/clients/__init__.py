"""Clients of the services that the agent calls: the LLM gateway and the MCP toolbox."""
