"""Claims about finegates/exporting/."""
