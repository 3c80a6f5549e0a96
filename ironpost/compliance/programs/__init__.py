"""Programs that run elsewhere with Python's standard library alone: on the mail host, and at the vantage point."""
