"""A song through time in every sub-space: its path, its novelty, its picture."""
