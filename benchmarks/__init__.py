"""Measurements: scripts that write JSON, and that JSON."""
