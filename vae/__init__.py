"""MusicVAE: a variational autoencoder of melodies, its data, training, checkpoints and sampling. Needs torch."""
