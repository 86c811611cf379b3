"""One network for many songs: a separately evolved unit for every key, with AND nodes that the keys share."""
