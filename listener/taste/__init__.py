"""A listener of one person's taste."""
