"""Scores, sizes and times of a trained run at any cut. Loads torch."""
