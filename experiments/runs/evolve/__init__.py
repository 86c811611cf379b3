"""Runs of evolution: NEAT and the other searches."""
