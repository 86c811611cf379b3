"""The model of form: plans of melodies, which are sampled, filled with notes, and read from melodies."""
