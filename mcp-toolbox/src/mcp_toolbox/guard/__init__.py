"""What stands around every call of a tool: rates, time, size, and a line for the record."""
