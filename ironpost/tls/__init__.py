"""Certificates and keys over time, as the controller sees them: how they stand, and the rollover from key to key."""
