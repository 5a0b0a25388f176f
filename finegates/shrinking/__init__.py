"""Shrinking, step by step: fold gates, keep what is needed, plan the layers, build the model.

`finegates.shrinking.shrink` is the way in.
"""
