"""The table of runs: its columns, and the table."""
