"""DKIM keys over time: born on the host, shown by every name server, signed with, kept, revoked, forgotten.

All state is on the hosts and in DNS, so that a rotation goes on from any controller (docs/decisions/0004).
"""
