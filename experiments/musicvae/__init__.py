"""MusicVAE from the command line: data sets, training, sampling, and what is shipped."""
