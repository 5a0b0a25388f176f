"""Claims about benchmarks/."""
