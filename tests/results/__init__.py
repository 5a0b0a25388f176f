"""Claims about finegates/results/."""
