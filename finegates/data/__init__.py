"""Labelled text from any source: reading it, checking it, and splitting it. No torch."""
