"""Whether pruning a fine-tuned model beats taking a smaller one: plan, training, measuring."""
