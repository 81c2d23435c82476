"""Which models there are, where each is answered, and what it costs: the catalogue, its file, and its prices."""
