"""Tells Dovecot whose an access token is: its introspection endpoint (RFC 7662), on loopback alone.

Runs on the mail host, with Python's standard library, Debian's PyJWT and the cryptography under it. It fetches the
provider's keys over verified HTTPS, keeps them for a while, and knows which accounts may use tokens for what.
No token is written anywhere.
"""
