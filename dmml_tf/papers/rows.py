"""The rows of a table: what its configuration asks for, checked before any work begins."""

import dataclasses
import inspect
import math
from collections.abc import Mapping
from pathlib import Path

import ml_collections

from dmml_tf import configs
from dmml_tf.configs.small import make_small
from dmml_tf.spaces import SUBSPACE, WHOLE
from dmml_tf.training.config import from_fields
from tfrecords_tools.errors import UserError

TRAIN, SPECIALIZED, UNTRAINED, BASELINE = SOURCES = ("train", "specialized", "untrained", "baseline")
_LEAST = {"triplets": 1, "triplet_seed": 0, "rounds": 1}


@dataclasses.dataclass(frozen=True)
class Row:
    """One system of a table.

    Attributes:
        name: key of the row in the configuration and in the files.
        label: what the table calls it.
        source: what gives its vectors, `kind` in a configuration: `train` (one network), `specialized` (one network a
            condition), `untrained` (the network as it is before training) or `baseline` (no network).
        config: name of a file in `configs/` or path of one elsewhere; for a baseline its name.
        overrides: fields of that configuration that this row changes; for a baseline its arguments.
        paper: figure ("whole.genre") -> what the paper prints.
        seeds: its own, in place of the table's; empty takes the table's.
        steps_share: its networks' steps, and those of their warm-up, as a share of the other rows'; 0.25 for four
            networks that cost together what one costs in another row.
        step_seconds: CPU seconds of one of its steps, measured apart from the table; 0 where nobody did.
        in_paper: whether the paper has this row; True for every row with a figure of it.
    """

    name: str
    label: str
    kind: dataclasses.InitVar[str]
    config: str
    overrides: Mapping = dataclasses.field(default_factory=dict)
    paper: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    steps_share: float = 1.0
    step_seconds: float = 0.0
    in_paper: bool = False
    source: str = dataclasses.field(init=False)

    def __post_init__(self, kind: str):
        object.__setattr__(self, "source", kind)
        if self.source not in SOURCES:
            raise UserError(f"config.rows.{self.name}: unknown kind '{kind}'; known are: {', '.join(SOURCES)}")
        if not 0 < self.steps_share < math.inf:
            raise UserError(f"config.rows.{self.name}.steps_share: {self.steps_share} is not a number above 0")


def rows_of(table: ml_collections.ConfigDict, baselines: tuple[str, ...]) -> list[Row]:
    """The rows that `table.order` names, in that order.

    Args:
        table: see `configs/tables/icassp2020.py`.
        baselines: names that a row of kind `baseline` may have.

    Raises:
        UserError: on a configuration that is no table, no row or none of that name, an unknown kind, system,
            baseline or field, a number that is too small, and on a pair to be tested that is not a pair of rows
            in a space.
    """
    if "rows" not in table:
        raise UserError(
            "--config is no table: it has no rows; tables are configs/tables/*.py, and `dmml train` takes a system"
        )
    if not table.order:
        raise UserError("config.order is empty; name at least one of: " + ", ".join(table.rows))
    for name in table.order:
        if name not in table.rows:
            raise UserError(f"config.order names '{name}', config.rows has: {', '.join(table.rows)}")
    rows = [_row(name, table) for name in dict.fromkeys(table.order)]
    for row in rows:
        if row.source == BASELINE and row.config not in baselines:
            raise UserError(
                f"config.rows.{row.name}: unknown baseline '{row.config}'; known are: {', '.join(baselines)}"
            )
        if row.source in (TRAIN, UNTRAINED):
            system_config(table, row, row.seeds[0])
    _check_numbers(table)
    _check_pairs(table)
    _check_tables(table)
    return rows


def _check_numbers(table: ml_collections.ConfigDict) -> None:
    for field, least in _LEAST.items():
        if table[field] < least:
            raise UserError(f"config.{field}: {table[field]} is too small; give at least {least}")


def _check_pairs(table: ml_collections.ConfigDict) -> None:
    for pair in table.pairs:
        if len(pair) != 4 or not {*pair[:2]} <= {*table.rows}:
            raise UserError(
                f"config.pairs: '{' '.join(map(str, pair))}' must be two rows, a space and a condition; "
                f"the rows are: {', '.join(table.rows)}"
            )
        if pair[2] not in (WHOLE, SUBSPACE):
            raise UserError(
                f"config.pairs: '{' '.join(pair)}' asks for the space '{pair[2]}'; known are: {WHOLE}, {SUBSPACE}"
            )


def _check_tables(table: ml_collections.ConfigDict) -> None:
    for asked in table.tables:
        if unknown := [name for name in asked.get("rows", ()) if name not in table.rows]:
            raise UserError(
                f"config.tables: '{asked['title']}' shows the row '{unknown[0]}', config.rows has: "
                f"{', '.join(table.rows)}"
            )


def system_config(
    table: ml_collections.ConfigDict, row: Row, seed: int, condition: str | None = None
) -> ml_collections.ConfigDict:
    """The configuration that a row is trained with.

    Args:
        table: whose `small` and `steps` hold for every system alike.
        row: of any kind but `baseline`.
        seed: of the training.
        condition: which one a specialized network is for.

    Raises:
        UserError: on an unknown system, or an override of a field that it lacks.
    """
    get_config = _getter(row)
    if condition is None:
        config = get_config()
    elif inspect.signature(get_config).parameters:
        config = get_config(condition)
    else:
        raise UserError(
            f"config.rows.{row.name}: get_config() of '{row.config}' takes no condition; name one such as 'specialized'"
        )
    if table.small:
        config = make_small(config)
    if table.steps:
        config.train.steps = table.steps
    config.train.steps = math.ceil(row.steps_share * config.train.steps)
    if "warmup" in config.train.schedule:
        config.train.schedule.warmup = math.ceil(row.steps_share * config.train.schedule.warmup)
    config.seed = seed
    config.lock()
    try:
        config.update(dict(row.overrides))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"config.rows.{row.name}.overrides: {' '.join(str(error).split())[:200]}; name fields of "
            f"'{row.config}' with values of their types"
        ) from error
    return config


def load_config(name: str, where: str) -> ml_collections.ConfigDict:
    """`get_config()` of one of `configs/`, by name, or of a Python file elsewhere, by path."""
    return _get_config_of(name, where)()


def _row(name: str, table: ml_collections.ConfigDict) -> Row:
    fields = table.rows[name].to_dict()
    fields["paper"] = flat(fields.get("paper", {}))
    fields["in_paper"] = fields.get("in_paper", False) or bool(fields["paper"])
    fields["seeds"] = tuple(fields.get("seeds", ())) or tuple(table.seeds)
    row = from_fields(Row, f"config.rows.{name}", {"name": name, **fields})
    if not row.seeds:
        raise UserError("config.seeds is empty; give at least one, as in --config.seeds='(0,)'")
    return row


def flat(nested: Mapping, before: str = "") -> dict[str, float]:
    """{"whole": {"genre": 0.5}} -> {"whole.genre": 0.5}."""
    flattened: dict[str, float] = {}
    for name, value in nested.items():
        flattened.update(flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value})
    return flattened


def _getter(row: Row):
    return _get_config_of(row.config, f"config.rows.{row.name}")


def _get_config_of(name: str, where: str):
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise UserError(f"{where}: {name} is no file; give the path of a .py file with get_config()")
    elif name not in configs.system_names():
        raise UserError(
            f"{where}: unknown system '{name}'; known are: {', '.join(configs.system_names())}, or the path of a .py "
            "file with get_config()"
        )
    return configs.getter(name)
