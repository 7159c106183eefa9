"""One file a table: `get_config()` -> the rows, what they are scored on, and what is shown of them."""
