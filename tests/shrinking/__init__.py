"""Claims about finegates/shrinking/."""
