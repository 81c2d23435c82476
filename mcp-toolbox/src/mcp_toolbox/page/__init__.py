"""The catalog for people: a page that lists servers and tools, and lets a person try them."""
