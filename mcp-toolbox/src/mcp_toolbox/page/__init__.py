"""The catalogue for people: a page that lists servers and tools, and tries them."""
