"""Functional Keras models: frontends, blocks, the embedding, masks."""
