"""Inputs that users reported, made again by the tests themselves, and what must come of them."""
