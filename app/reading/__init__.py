"""Run folders read for the pages, and by nothing else: each file once while it stays the same."""
