"""Claims about finegates/models/."""
