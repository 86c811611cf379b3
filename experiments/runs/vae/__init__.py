"""Runs that train a MusicVAE."""
