"""`python -m ironpost` is the `ironpost` command."""

from ironpost.cli import main

main()
