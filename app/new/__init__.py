"""New run and Sweep: a form field for each setting, and what starting takes."""
