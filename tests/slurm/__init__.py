"""Claims about runs in a real Slurm."""
