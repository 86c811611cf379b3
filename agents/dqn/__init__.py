"""DQN over sets of keys: networks of Q-values, replay, credit, exploration and the learner."""
