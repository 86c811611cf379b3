"""Export: the champion of a run as files for other programs."""
