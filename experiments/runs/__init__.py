"""Runs: their folders, checkpoints and lifecycle, and what each kind of run does."""
