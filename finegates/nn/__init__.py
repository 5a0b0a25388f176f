"""Gates in a torch model: the modules, attaching them, and their penalty. Loads torch."""
