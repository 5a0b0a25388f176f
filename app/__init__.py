"""The pages of FineGates Studio: they draw run folders, and start, stop and resume runs."""
