"""Claims about finegates/training/."""
