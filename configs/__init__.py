"""One file a variant: `get_config()` -> `ml_collections.ConfigDict`; each is found by name, from any folder.

    from dmml_tf import configs
    configs.load("demo").train.steps                    # 500
    configs.load("specialized:mood").order              # ("mood",): what follows the colon goes to get_config
    configs.load("my.py")                               # a file of one's own

A name is that of a file in this folder, or of a table in `tables/`, with or without its folder and `.py`.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import ml_collections

from tfrecords_tools.errors import UserError

_FOLDER = Path(__file__).parent
_NO_SYSTEM = ("__init__", "small")  # read by the others


def system_names() -> list[str]:
    """Names of the configurations that `dmml train` takes, such as `demo`."""
    return sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem not in _NO_SYSTEM)


def table_names() -> list[str]:
    """Names of the configurations that `dmml table` takes, such as `tables/icassp2020`."""
    return sorted(f"tables/{path.stem}" for path in (_FOLDER / "tables").glob("*.py") if path.stem != "__init__")


def find(name: str) -> str:
    """The file of a configuration, followed by `:ARGUMENT` where the name has one.

    Args:
        name: such as `demo`, `specialized:mood`, `tables/icassp2020` or `icassp2020`; or the path of a Python file.

    Raises:
        UserError: if there is neither such a file nor such a name; lists the names.
    """
    wanted, colon, argument = name.partition(":")
    path = Path(wanted)
    if not (path.suffix == ".py" and path.is_file()):
        by_name = {known: _FOLDER / f"{known}.py" for known in (*system_names(), *table_names())}
        # `icassp2020` alone is told from a system by its own name.
        by_name |= {Path(known).name: _FOLDER / f"{known}.py" for known in table_names()}
        known = wanted.removeprefix("configs/").removesuffix(".py")
        if known not in by_name:
            names = ", ".join((*system_names(), *table_names()))
            raise UserError(
                f"no configuration '{name}'; known are: {names}, or the path of a .py file with get_config()"
            )
        path = by_name[known]
    return f"{path}{colon}{argument}"


def load(name: str) -> ml_collections.ConfigDict:
    """`get_config()` of the configuration that `find` finds, called with what follows the name's colon.

    >>> config = dmml.load_config("demo")    # or "specialized:mood", or the path of a file of one's own
    >>> config.train.steps, config.order
    (600, ('genre', 'mood', 'instrument', 'tempo', 'track'))

    Raises:
        UserError: as `find`, and if the file has no `get_config`.
    """
    _, colon, argument = name.partition(":")
    return getter(name)(argument) if colon else getter(name)()


def getter(name: str) -> Callable[..., ml_collections.ConfigDict]:
    """The function `get_config` of the configuration that `find` finds.

    Raises:
        UserError: as `load`.
    """
    path = Path(find(name).partition(":")[0])
    spec = importlib.util.spec_from_file_location(f"dmml_configuration_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # a .py file always has one
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    get_config: Callable[..., ml_collections.ConfigDict] | None = getattr(module, "get_config", None)
    if get_config is None:
        raise UserError(f"{path}: has no function get_config()")
    return get_config
