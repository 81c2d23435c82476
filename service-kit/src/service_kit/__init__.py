"""What every service of the suite does the same way."""
