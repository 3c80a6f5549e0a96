"""Runs as root on the mail host, changes nothing, and prints what the controls look at as one JSON object.

Secrets stay where they are: of a password its scheme and parameters are told, of a private key its public half.
Python's standard library alone; it is sent as text and leaves nothing behind (compliance/bundle.py). Each topic has a
file with a `parts()` that returns its parts of the object; `whole.py` puts them together.
"""
