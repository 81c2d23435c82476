"""Tools: which of them a model is offered."""
