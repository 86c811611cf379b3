"""Runs of deep Q-learning."""
