"""Listeners: reward functions for performers, learned from music or built from rules."""
