"""Songs: the keyboard, piano rolls, MIDI files, catalogues of songs, and sound."""
