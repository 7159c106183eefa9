"""Tags never trained with: word vectors, tag vectors, pairs and the tag tower."""
