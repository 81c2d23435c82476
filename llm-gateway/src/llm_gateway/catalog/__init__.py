"""Which models there are, where each is answered, and what it costs: the catalog, its file, and its prices."""
