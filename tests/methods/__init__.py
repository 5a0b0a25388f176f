"""Claims about finegates/methods/."""
