"""Claims about finegates/commands/."""
