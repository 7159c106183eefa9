"""Tags never trained with: word vectors, tag vectors, pairs, the tag tower and its scores."""
