"""Heads of our own on musicnn's features: what its networks hear in songs, and a linear layer that learns from it."""
