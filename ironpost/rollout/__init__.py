"""A change of a fleet, wave by wave: staged and checked, switched, gated by behaviour, and undone when it fails."""
