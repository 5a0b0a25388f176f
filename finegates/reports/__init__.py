"""Parts of a report: HTML, figures, what is shown of one run and of several. Loads no torch."""
