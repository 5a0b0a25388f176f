"""Claims about finegates/groups/."""
