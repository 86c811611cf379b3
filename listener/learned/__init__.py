"""The learned listener: its networks, their training, and what they are trained against."""
