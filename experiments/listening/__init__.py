"""Listeners from the command line: scores, audits, and the files of trained ones."""
