"""The edge: the checks that every request passes once, before the application sees it."""
