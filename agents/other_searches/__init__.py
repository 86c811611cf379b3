"""Searches other than NEAT: evolution strategies, verified prefix, and per-key evolution."""
