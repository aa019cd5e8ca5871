"""Experiment -> run directory: the only room that knows the order of things."""
