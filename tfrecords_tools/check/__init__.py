"""Datasets read back: verification, what they hold, pictures of it."""
