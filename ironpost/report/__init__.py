"""Plans and verdicts as text and as JSON."""
