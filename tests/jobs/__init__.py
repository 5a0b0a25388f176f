"""Claims about finegates/jobs/."""
