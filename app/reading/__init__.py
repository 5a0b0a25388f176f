"""Run folders read for a page, each file once while it stays the same."""
