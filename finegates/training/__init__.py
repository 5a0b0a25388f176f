"""Training: from a spec and splits to a journal. Loads torch."""
