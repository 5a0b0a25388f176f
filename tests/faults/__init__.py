"""Killed, full, garbled: nothing may be lost."""
