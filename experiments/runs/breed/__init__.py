"""Runs that are bred by ear."""
