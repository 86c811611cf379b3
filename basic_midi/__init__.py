"""The songs that come with the project: text notation and MIDI files; README.md tells about them."""
