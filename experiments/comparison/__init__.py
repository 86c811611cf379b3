"""Comparing runs: lists of them, their curves, and statistics over seeds."""
