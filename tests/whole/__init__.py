"""Claims about the method as a whole."""
