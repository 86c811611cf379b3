"""Pictures of runs, one per module, which read only run folders."""
