"""What is read of a host, in one round trip."""
