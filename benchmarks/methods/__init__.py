"""Every method of the registry: that it runs, what a step of it costs, and how well it does."""
