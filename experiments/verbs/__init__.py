"""The verbs of the `kuznechik` command, one module each; `experiments.cli` says what a verb is."""
