"""Groups of runs: a plan of cells, a file, and sweeps through it. Loads no torch."""
