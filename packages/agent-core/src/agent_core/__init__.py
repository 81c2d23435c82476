"""The LangGraph agent that both agent services run."""
