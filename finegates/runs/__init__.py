"""A run folder: what is in it, and which process writes which file. Loads no torch."""
