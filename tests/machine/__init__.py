"""Claims about finegates/machine/."""
