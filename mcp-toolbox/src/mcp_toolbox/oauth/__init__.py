"""The toolbox as an OAuth resource server: whose tokens it takes, and how a client learns where to get one."""
