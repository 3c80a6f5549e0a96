"""DNS: which record sets a fleet needs, what the zones hold, the difference, and its publication (RFC 2136)."""
