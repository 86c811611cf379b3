"""Listeners from the command line: scores, audits, and files of trained ones."""
