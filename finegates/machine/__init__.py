"""This machine: its devices, and the processes started on it. Knows no run."""
