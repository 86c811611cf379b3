"""MusicVAE: a variational autoencoder for melodies, with data, training, checkpoints and sampling. Needs torch."""
