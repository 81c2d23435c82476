"""The comparison of the gateway with its peers, and the agents' own overhead: `python -m bench`."""
