"""Buttons and pickers that several pages use."""
