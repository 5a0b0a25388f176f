"""Claims about finegates/data/."""
