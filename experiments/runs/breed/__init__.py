"""Runs of breeding by ear."""
