"""Claims about finegates/adapters/."""
