"""Methods: the registry as a table and a chart, and a start of what is chosen."""
