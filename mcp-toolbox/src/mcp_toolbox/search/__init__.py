"""Finding the right tool among many."""
