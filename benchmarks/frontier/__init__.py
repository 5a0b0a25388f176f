"""What score is left at which removal: every method on the same data, the same steps, one table."""
