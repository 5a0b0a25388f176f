"""A shrunk model in a folder of its own, with its card. Loads torch."""
