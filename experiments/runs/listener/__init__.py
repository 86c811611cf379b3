"""Runs that train a listener."""
