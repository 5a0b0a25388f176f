"""Frames in, figures out. Nothing here draws, reads a file or knows Streamlit."""
