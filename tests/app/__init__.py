"""Claims about the pages, and pretended runs for them."""
