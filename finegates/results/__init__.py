"""What runs and groups came to, beside the paper's numbers. Starts nothing, loads no torch."""
