"""The smallest network that plays a song, and the proof that there is none smaller."""
