"""How small a model can get within a tolerance: which training comes next, and the answer."""
