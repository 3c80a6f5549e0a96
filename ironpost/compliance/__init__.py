"""Collects evidence from inside and outside, and runs the controls on it."""
