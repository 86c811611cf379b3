"""Deep Q-learning over sets of keys: networks, replay, losses, exploration, agents and their loop."""
