"""Trying a trained model on typed text: a server process, and its client."""
