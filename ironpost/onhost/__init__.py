"""The part that runs on a mail host: compares, stages, tries, switches and undoes generations.

Python's standard library alone, Debian 12 and newer. It is sent to /usr/lib/ironpost/onhost and imports nothing of the
rest. What it is told comes as JSON on standard input, what it found goes as JSON to standard output, and what stops it
as one sentence to standard error.
"""
