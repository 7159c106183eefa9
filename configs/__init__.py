"""One file a variant: `get_config()` -> `ml_collections.ConfigDict`."""
