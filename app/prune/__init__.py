"""Prune & time."""
