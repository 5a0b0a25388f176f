"""Claims about finegates/files/."""
