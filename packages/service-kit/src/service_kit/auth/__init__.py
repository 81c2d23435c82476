"""Authentication: the principal that a credential belongs to."""
