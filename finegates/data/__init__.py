"""Labelled text, whoever's it is: reading it, checking it, and splitting it. No torch."""
