"""Gates of one snapshot, as frames and as words."""
