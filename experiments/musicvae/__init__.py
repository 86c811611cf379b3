"""MusicVAE from the command line: data sets, training, sampling, and the models included."""
