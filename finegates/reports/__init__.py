"""Parts of a report: HTML, figures, what is told of one run and of several. Loads no torch."""
