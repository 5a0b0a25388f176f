"""What is known of a model from its config and weights file, without torch."""
