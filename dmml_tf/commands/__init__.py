"""One module a command of `dmml`: flags, and a call of the function that does it."""
