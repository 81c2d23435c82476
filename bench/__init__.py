"""The comparison of gateway and toolbox with their peers, and the agents' own overhead: `python -m bench`."""
