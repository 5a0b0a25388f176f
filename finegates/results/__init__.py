"""What runs and groups came to, next to the paper's numbers. Starts nothing, loads no torch."""
