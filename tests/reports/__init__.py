"""Claims about finegates/reports/."""
