"""One network for many songs: a unit for every key, evolved by itself, with AND nodes that the keys share."""
