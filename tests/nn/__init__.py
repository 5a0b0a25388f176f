"""Claims about finegates/nn/."""
