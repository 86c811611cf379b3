"""One network for many songs: a unit for every key, evolved on its own, with AND nodes that the keys share."""
