"""One module a command of `dmml-records`: flags, and a call of the function that does it."""
