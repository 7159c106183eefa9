"""One audio file: whether it is whole, its samples, its features, its tempo."""
