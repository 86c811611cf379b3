"""Networks: genomes as JSON and as arrays, their outputs for many inputs at once, and players that use them."""
