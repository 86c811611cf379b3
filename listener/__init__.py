"""Listeners: what a performer is paid for."""
