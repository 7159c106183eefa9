"""The one exception a user is meant to read."""


class UserError(Exception):
    """Bad input: a single line that names what is wrong and how to mend it.

    Commands print it after "error: " and exit with status 2; library users may catch it.
    """
