"""Experiments: configuration, run folders and the `kuznechik` command."""
