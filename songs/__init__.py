"""Songs: the keyboard, piano rolls, MIDI files, song catalogues, and sound."""
