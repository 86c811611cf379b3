"""The held-out judge."""
