"""Claims about finegates/gates/."""
