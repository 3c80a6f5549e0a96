"""Servers that know who has an account, of Debian's packages, on a bare host of the test network."""
