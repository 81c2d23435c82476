"""What every service of the suite does the same way: settings, logs, ids, errors, health, borders, serving."""
