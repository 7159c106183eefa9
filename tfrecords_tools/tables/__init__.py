"""Tables of any format: the user's manifest, splits by artist, the table of tracks."""
