"""The answers of the raw routes as structs, for their description alone (and the tests that hold us to it)."""
