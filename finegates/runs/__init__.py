"""A run folder: what is in it, and who writes which file of it. Loads no torch."""
