"""Agents: performers that play the keyboard, and the algorithms that evolve and train them."""
