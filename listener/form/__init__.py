"""The model of form: plans of melodies, drawn, filled and read."""
