"""Claims about the pages in a real Chromium."""
