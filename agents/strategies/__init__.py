"""Evolution strategies: weights of a fixed network, from a distribution that is moved."""
