"""Claims about finegates/trying/."""
