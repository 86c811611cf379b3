"""Agents: performers that play the keyboard, and how they evolve and learn."""
