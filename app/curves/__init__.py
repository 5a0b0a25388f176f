"""Metrics of several runs as one frame, and how each run looks."""
