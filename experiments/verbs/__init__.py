"""The verbs of the `kuznechik` command, a module each."""
