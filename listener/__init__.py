"""Listeners: the rewards of performers, learned from music or made of rules."""
