"""Searches beside NEAT: evolution strategies, verified prefix, and per-key evolution."""
