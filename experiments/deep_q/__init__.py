"""Runs of deep Q-learning: configuration, assembly, training, checkpoints."""
