"""neat-python's own evolution, gene for gene the same, on arrays of genes."""
