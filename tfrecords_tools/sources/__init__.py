"""Each turns its own layout into the manifest."""
