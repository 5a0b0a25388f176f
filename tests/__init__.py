"""Claims about the program, each in the room of what it is about."""
