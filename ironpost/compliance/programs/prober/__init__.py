"""The prober: runs at a vantage point, looks at a mail host as a stranger does, and leaves no letter behind."""
