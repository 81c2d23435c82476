"""What clients talk to: parse, call the gateway, render; nothing else."""
