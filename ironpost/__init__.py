"""Provisions hardened mail servers over SSH, publishes their DNS records, and proves the result."""

__version__ = "0.1.0"
