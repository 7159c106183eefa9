"""The one exception a user is meant to read, and the one line for a package that an extra brings."""

import importlib.util


class UserError(Exception):
    """Bad input: a single line that names what is wrong and how to mend it.

    Commands print it after "error: " and exit with status 2; library users may catch it.

    >>> try:
    ...     model = dmml.load("runs/none")
    ... except dmml.UserError as error:
    ...     print(error)
    runs/none/model.json: not found; ...
    """


def require_extra(extra: str, what: str, *modules: str, otherwise: str = "") -> None:
    """Checks that the packages of an extra of setup.py are installed; imports nothing.

    Args:
        extra: its name, such as `tempo`.
        what: what needs it, the subject of the message.
        modules: top-level modules that it brings.
        otherwise: what else helps, appended to the line.

    Raises:
        UserError: if a module is missing; names it and says `pip install 'dmml[EXTRA]'`.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise UserError(f"{what} needs {', '.join(missing)}; install with: pip install 'dmml[{extra}]'{otherwise}")
