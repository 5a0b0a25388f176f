"""Accuracy vs sparsity."""
