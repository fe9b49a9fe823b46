"""Experiments: many runs of a scenario, designed, executed and stored."""
