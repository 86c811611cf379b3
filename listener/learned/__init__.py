"""The learned listener: its networks, their training, and their negatives."""
