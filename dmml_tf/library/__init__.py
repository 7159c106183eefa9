"""A library: a folder of songs that can be searched, kept up to date with its files, apart from any run."""
