"""Claims about what the program refuses."""
