"""The vocabulary of the gateway: what every dialect is parsed into and rendered from."""
