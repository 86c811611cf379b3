"""Pages: HTML files that show runs and let one hear and play them, and need nothing beside them."""
