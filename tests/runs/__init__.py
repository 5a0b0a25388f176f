"""Claims about finegates/runs/."""
