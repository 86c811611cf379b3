"""Pages: self-contained HTML files that show runs and play their melodies."""
