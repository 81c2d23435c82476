"""A call on its way to a tool: whose it is, what it may cost, and the record of it."""
