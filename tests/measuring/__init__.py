"""Claims about finegates/measuring/."""
