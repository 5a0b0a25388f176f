"""Claims that hold on any device."""
