"""Starting, queueing, stopping and resuming runs, wherever they train. Loads no torch."""
