"""The report of runs: one page that needs nothing beside it."""
