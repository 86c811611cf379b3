"""Training, scoring and auditing listeners from the command line."""
