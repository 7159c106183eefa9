"""Music whose labels are true by construction: scores and rule-made bands, moods as transformations.

The TimGM6mb SoundFont (GPL-2, shipped by pretty_midi) and the music21 corpus (each piece has its own
licence) are only read from the installed packages; nothing of them is copied into this project.
"""
