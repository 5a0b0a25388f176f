"""All that a GPU can show, in one prepared run: ``python -m benchmarks.gpu``."""
